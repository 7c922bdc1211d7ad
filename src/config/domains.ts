/** Hosted domains as written made into domains as used. */
import { RE2JS } from 're2js';
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
import type { Findings } from './findings.ts';
import type { HostedDomain, RecipientSource } from './installation.ts';
import { resolvePath } from './paths.ts';
import { rewritesOf, withoutMaps } from './rewrites.ts';
import type { DOMAIN } from './schema.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';

type WrittenSources = NonNullable<z.output<typeof DOMAIN>['recipients']>;
type WrittenSource = Exclude<WrittenSources, readonly unknown[]>;

export function buildDomains(
  sections: Sections,
  folder: string,
  files: InstallationFiles,
  findings: Findings,
): Map<string, HostedDomain> {
  const { problems } = findings;
  const domains = new Map<string, HostedDomain>();
  const seen = new Map<string, string>();
  for (const [written, { value, at }] of sections.maps.domains) {
    const domain = toAscii(written);
    if (domain === undefined) {
      problems.push(at.problem([], `"${written}" is not a domain`, 'expected one such as example.com', 'key'));
      continue;
    }
    const other = seen.get(domain);
    if (other !== undefined)
      problems.push(
        at.problem([], `"${written}" and "${other}" are the same domain, ${domain}`, 'keep one of them', 'key'),
      );
    seen.set(domain, written);
    if (value === undefined) continue;

    const { route = '', recipients, settings } = value;
    const place = { ...at.source.place(at.path, 'key'), file: at.name };
    if (value.alias_of !== undefined) {
      domains.set(domain, { domain, route: '', recipients: [], settings, place, aliasOf: value.alias_of });
      continue;
    }
    for (const key of ['route', 'recipients'] as const)
      if (value[key] === undefined) problems.push(at.problem([key], `"${key}" is missing`, MISSING[key], 'key'));
    if (route !== '' && !sections.maps.routes.has(route)) {
      const routes = [...sections.maps.routes.keys()];
      const near = didYouMean(route, routes);
      problems.push(
        at.problem(['route'], `there is no route "${route}"`, `${near} there are: ${routes.join(', ')}`.trim()),
      );
    }
    domains.set(domain, {
      ...{ domain, route, settings, place },
      recipients: recipients === undefined ? [] : sourcesOf(recipients, domain, at, folder, files, findings),
      ...rewritesOf(value, domain, at, folder, files, findings),
    });
  }
  return withoutMaps(domains, sections, findings);
}

const MISSING = {
  route: 'add "route": the name of a route; or `alias_of:` and a hosted domain',
  recipients: 'add "recipients": `any`, or a map with inline, file, pattern, ldap, sql or callout, or a list of these',
} as const;

function sourcesOf(
  written: WrittenSources,
  domain: string,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  findings: Findings,
): RecipientSource[] {
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
    const source = sourceOf(one, domain, here, folder, files, findings);
    return source === undefined ? [] : [source];
  });
}

function sourceOf(
  one: WrittenSource,
  domain: string,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  { problems, notYet }: Findings,
): RecipientSource | undefined {
  if (one === 'any') return { kind: 'any' };
  if ('inline' in one) {
    one.inline.forEach((text, n) => {
      const mailbox = parseMailbox(text.includes('@') ? text : `${text}@${domain}`, true);
      if (mailbox.kind === 'bad')
        problems.push(
          at.problem(
            ['inline', n],
            `"${text}" is not an address: ${mailbox.why}`,
            `expected one such as alice, or alice@${domain}`,
          ),
        );
      else if (mailbox.value.domain !== domain)
        problems.push(
          at.problem(
            ['inline', n],
            `"${text}" is not in ${domain}`,
            `write its local part alone, or list it under ${mailbox.value.domain}`,
          ),
        );
    });
    return { kind: 'inline', addresses: one.inline };
  }
  if ('pattern' in one) {
    const why = patternMistake(one.pattern);
    if (why !== undefined)
      problems.push(
        at.problem(
          ['pattern'],
          `"${one.pattern}" is not a regular expression: ${why}`,
          'it is written as for RE2, without look-around',
        ),
      );
    return { kind: 'pattern', pattern: one.pattern };
  }
  if ('file' in one) {
    const path = resolvePath(folder, one.file);
    if (!files.exists(path))
      problems.push(at.problem(['file'], `there is no file "${one.file}"`, `looked for ${files.show(path)}`));
    return {
      kind: 'file',
      path,
      maxShrink: Number.parseFloat(one.max_shrink) / 100,
      maxAge: one.max_age,
      onStale: one.on_stale,
    };
  }
  const kind = Object.keys(one)[0] ?? '';
  const secret = 'ldap' in one ? one.ldap.password : 'sql' in one ? one.sql.password : undefined;
  if (secret !== undefined && !secret.startsWith('env:'))
    problems.push(
      at.problem(
        [kind, 'password'],
        'a secret stands in this file',
        'write `password_file:` and a path, or `password: env:NAME`',
        'key',
      ),
    );
  notYet.push(
    at.problem([kind], `recipients by \`${kind}\` have not come yet`, 'write inline, file, pattern or any', 'key'),
  );
  return undefined;
}

function patternMistake(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
