/** Secrets of recipient sources: read each time one connects, so that a changed one holds at once, and kept out of what is said. */
import { readFileSync } from 'node:fs';
import type { SecretAt } from '../../config/live-source.ts';
import { hush } from '../../mail/hush.ts';
import { clean } from '../../mail/reply.ts';
import { SourceError } from '../../ports/recipients.ts';
import { readSecretAt } from '../files/secret-at.ts';

const WHY_MAX = 300; // characters

/** Undefined where none is named. Throws a `SourceError` where it cannot be had. */
export function secretAt(at: SecretAt | undefined): string | undefined {
  if (at === undefined) return undefined;
  const read = readSecretAt(at);
  if (read.kind === 'wrong') throw new SourceError('down', `its password cannot be had: ${read.why}`);
  return read.text;
}

/** Those who may have signed the server's certificate; undefined: those this machine trusts. */
export function authorities(caFile: string): string | undefined {
  if (caFile === '') return undefined;
  try {
    return readFileSync(caFile, 'utf8');
  } catch (error) {
    throw new SourceError(
      'down',
      `${caFile} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
}

/** What went wrong as it may be told: bounded, clean, without the secret. */
export function troubleOf(error: unknown, secret: string | undefined): SourceError {
  if (error instanceof SourceError) return error;
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const said = inner.map((one) => (one instanceof Error ? `${nameOf(one)}${one.message}` : String(one))).join('; ');
  return new SourceError(
    isOfTheAddress(error) ? 'unsure' : 'down',
    clean(hush(said, [secret]).replace(/\s+/g, ' ').trim() || 'it broke, and did not say why', WHY_MAX),
  );
}

/**
 * The server works, and could make nothing of this address: SQLSTATE class 22, data exception; invalidAttributeSyntax
 * (RFC 4511 §4.1.9). Else whoever writes such addresses could put the source out of use.
 */
function isOfTheAddress(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === INVALID_ATTRIBUTE_SYNTAX || (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code));
}

const INVALID_ATTRIBUTE_SYNTAX = 21;

const nameOf = ({ name }: Error): string =>
  name === 'Error' || name === 'error' || name === 'AggregateError' ? '' : `${name}: `;
