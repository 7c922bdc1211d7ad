/** Recipient sources of a domain as written made into sources as used. */
import { RE2JS } from 're2js';
import { parseMailbox } from '../mail/address.ts';
import type { Route } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import type { RecipientSource } from './installation.ts';
import { calloutSource, ldapSource, sqlSource } from './live-sources.ts';
import { resolvePath } from './paths.ts';
import type { WrittenSource, WrittenSources } from './schema-recipients.ts';
import type { InstallationFiles, Spot } from './sections.ts';

/** Where a source stands, and what it may lean on. */
export interface SourceSpot {
  readonly domain: string;
  /** The domain's; undefined where there is none of that name. */
  readonly route: Route | undefined;
  readonly at: Spot;
  readonly folder: string;
  readonly files: InstallationFiles;
  readonly findings: Findings;
}

export function sourcesOf(written: WrittenSources, spot: SourceSpot): RecipientSource[] {
  const { at, findings } = spot;
  const list = Array.isArray(written) ? written : [written];
  return list.flatMap((one: WrittenSource, n: number) => {
    const path = Array.isArray(written) ? ['recipients', n] : ['recipients'];
    const here: Spot = {
      ...at,
      path: [...at.path, ...path],
      problem: (more, ...rest) => at.problem([...path, ...more], ...rest),
    };
    if (one === 'any' && n < list.length - 1)
      findings.problems.push(
        here.problem([], '`any` knows everybody, so what follows is never asked', 'put it last, or remove it'),
      );
    const source = sourceOf(one, { ...spot, at: here });
    return source === undefined ? [] : [source];
  });
}

function sourceOf(one: WrittenSource, spot: SourceSpot): RecipientSource | undefined {
  if (one === 'any') return { kind: 'any' };
  if ('inline' in one) return inlineSource(one.inline, spot);
  if ('pattern' in one) return patternSource(one.pattern, spot);
  if ('file' in one) return fileSource(one, spot);
  if ('ldap' in one) return ldapSource(one.ldap, spot);
  if ('sql' in one) return sqlSource(one.sql, spot);
  return calloutSource(one.callout, spot);
}

function inlineSource(addresses: readonly string[], { domain, at, findings }: SourceSpot): RecipientSource {
  addresses.forEach((text, n) => {
    const mailbox = parseMailbox(text.includes('@') ? text : `${text}@${domain}`, true);
    if (mailbox.kind === 'bad')
      findings.problems.push(
        at.problem(
          ['inline', n],
          `"${text}" is not an address: ${mailbox.why}`,
          `expected one such as alice, or alice@${domain}`,
        ),
      );
    else if (mailbox.value.domain !== domain)
      findings.problems.push(
        at.problem(
          ['inline', n],
          `"${text}" is not in ${domain}`,
          `write its local part alone, or list it under ${mailbox.value.domain}`,
        ),
      );
  });
  return { kind: 'inline', addresses };
}

function patternSource(pattern: string, { at, findings }: SourceSpot): RecipientSource {
  const why = patternMistake(pattern);
  if (why !== undefined)
    findings.problems.push(
      at.problem(
        ['pattern'],
        `"${pattern}" is not a regular expression: ${why}`,
        'it is written as for RE2, without look-around',
      ),
    );
  return { kind: 'pattern', pattern };
}

function patternMistake(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function fileSource(
  one: Extract<WrittenSource, { file: string }>,
  { at, folder, files, findings }: SourceSpot,
): RecipientSource {
  const path = resolvePath(folder, one.file);
  if (!files.exists(path))
    findings.problems.push(at.problem(['file'], `there is no file "${one.file}"`, `looked for ${files.show(path)}`));
  return {
    kind: 'file',
    path,
    maxShrink: Number.parseFloat(one.max_shrink) / 100,
    maxAge: one.max_age,
    onStale: one.on_stale,
  };
}
