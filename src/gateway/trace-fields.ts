/** The trace fields we put before a message: `Received` and `Authentication-Results`, and which of the latter we take off. */
import {
  type AuthenticationMethod,
  composeAuthenticationResults,
  parseAuthservId,
} from '../mail/authentication-results.ts';
import { mailDate } from '../mail/date.ts';
import { foldField } from '../mail/header.ts';
import { clean } from '../mail/reply.ts';
import type { Facts, FactValue } from '../policy/facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { Edit } from '../queue/entry.ts';
import type { HeaderFacts } from './edge.ts';

export interface Receipt {
  readonly hostname: string;
  readonly helo: string;
  readonly verb: 'HELO' | 'EHLO' | '';
  readonly clientName: string;
  readonly clientIp: string;
  readonly tls: { readonly version: string; readonly cipher: string } | undefined;
  readonly authenticated: boolean;
  readonly utf8: boolean;
  readonly id: string;
  /** Named only when it is the only one, so that no recipient learns of another (RFC 5321 §7.6). */
  readonly recipient: string | undefined;
  readonly at: number;
}

/** `Received` (RFC 5321 §4.4), CRLF-ended, folded at its clauses. */
export function receivedField(receipt: Receipt): string {
  const literal = receipt.clientIp.includes(':') ? `IPv6:${receipt.clientIp}` : receipt.clientIp;
  const name = receipt.clientName === '' ? 'unknown' : atoms(receipt.clientName);
  const lines = [
    `Received: from ${atoms(receipt.helo) || 'unknown'} (${name} [${literal}])`,
    `by ${receipt.hostname} (Postern) with ${withWord(receipt)} id ${receipt.id}`,
    ...(receipt.recipient === undefined ? [] : [`for <${receipt.recipient}>`]),
    // RFC 8314 §4.3
    ...(receipt.tls === undefined ? [] : [`tls ${atoms(receipt.tls.cipher)} (${atoms(receipt.tls.version)})`]),
  ];
  return `${lines.join('\r\n\t')};\r\n\t${mailDate(receipt.at)}\r\n`;
}

/** RFC 3848 §2; with SMTPUTF8, RFC 6531 §4.3. */
function withWord({ verb, tls, authenticated, utf8 }: Receipt): string {
  if (verb === 'HELO') return 'SMTP';
  return `${utf8 ? 'UTF8SMTP' : 'ESMTP'}${tls === undefined ? '' : 'S'}${authenticated ? 'A' : ''}`;
}

/** What a client said of itself, with everything gone that could end a clause, a comment or the field. */
const atoms = (text: string): string => clean(text, 255).replace(/[^\w.:\-[\]+=]/g, '?');

type Group = { readonly [fact: string]: FactValue };

/** What our checks found, as RFC 8601 wants it; '' when the policy has none of these checks. */
export function authenticationResultsField(facts: Facts, policy: Policy, hostname: string, helo: string): string {
  const methods = policy.checks.flatMap((instance) => {
    const told = facts[instance.name];
    if (typeof told !== 'object' || Array.isArray(told)) return [];
    return methodsOf(instance.check, told as Group, facts, helo);
  });
  const asked = policy.checks.some((instance) => ['spf', 'dkim', 'dmarc', 'arc', 'rdns'].includes(instance.check));
  return asked ? `${foldField('Authentication-Results', composeAuthenticationResults(hostname, methods))}\r\n` : '';
}

function methodsOf(check: string, told: Group, facts: Facts, helo: string): AuthenticationMethod[] {
  const text = (value: FactValue | undefined): string => (typeof value === 'string' ? value : '');
  const result = text(told.result);
  if (result === '') return [];
  switch (check) {
    case 'rdns':
      return [{ method: 'iprev', result, properties: [['policy', 'iprev', text((facts.client as Group).ip)]] }];
    case 'spf': {
      const address = text((facts.mail as Group | undefined)?.address);
      return [
        {
          method: 'spf',
          result,
          properties: [address === '' ? ['smtp', 'helo', helo] : ['smtp', 'mailfrom', address]],
        },
      ];
    }
    case 'dkim': {
      const signatures = Array.isArray(told.signatures) ? (told.signatures as readonly Group[]) : [];
      if (signatures.length === 0) return [{ method: 'dkim', result, properties: [] }];
      return signatures.map((signature) => ({
        method: 'dkim',
        result: text(signature.result),
        properties: [
          ['header', 'd', text(signature.domain)],
          ['header', 's', text(signature.selector)],
          ['header', 'a', text(signature.algorithm)],
        ],
      }));
    }
    case 'dmarc':
      return [
        { method: 'dmarc', result, properties: [['header', 'from', text((facts.from as Group | undefined)?.domain)]] },
      ];
    case 'arc':
      return [{ method: 'arc', result, properties: [] }];
    default:
      return [];
  }
}

/**
 * What claims to be ours and is not (RFC 8601 §5): fields, and lines that are no field to us and may be one to those behind
 * us, who skip a form feed or begin anew at a line without a colon.
 */
export function forgedResults({ fields, strays }: Pick<HeaderFacts, 'fields' | 'strays'>, hostname: string): Edit[] {
  const ours = (value: string): boolean => parseAuthservId(value)?.toLowerCase() === hostname;
  const hidden = (text: string): boolean =>
    text
      .split(/authentication-results[ \t]*:/i)
      .slice(1)
      .some((value) => ours(value) || value.toLowerCase().includes(hostname));
  return [
    ...fields.flatMap(({ name, value }, index): Edit[] =>
      name === 'authentication-results' && ours(value) ? [{ kind: 'removeField', index }] : [],
    ),
    ...strays.flatMap(({ value }, index): Edit[] => (hidden(value) ? [{ kind: 'removeStray', index }] : [])),
  ];
}
