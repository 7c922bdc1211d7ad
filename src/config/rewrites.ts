/** What the configuration says of rewriting: aliases, catch-all and subaddress of a domain, domains that are others, and whose name senders take. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
import type { Findings } from './findings.ts';
import type { AliasSource, HostedDomain, Installation } from './installation.ts';
import { resolvePath } from './paths.ts';
import type { DOMAIN } from './schema.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';

type Written = z.output<typeof DOMAIN>;

export function rewritesOf(
  { aliases, catch_all, subaddress }: Written,
  domain: string,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  findings: Findings,
): Pick<HostedDomain, 'aliases' | 'catchAll' | 'stripTag'> {
  const source = aliases && aliasesOf(aliases, domain, at, folder, files, findings);
  const address = (text: string, path: readonly (string | number)[]) => addressIn(text, domain, at, path, findings);
  const catchAll = catch_all === undefined ? undefined : address(catch_all, ['catch_all']);
  return {
    ...(source === undefined ? {} : { aliases: source }),
    ...(catchAll === undefined ? {} : { catchAll }),
    ...(subaddress === 'strip' ? { stripTag: true } : {}),
  };
}

function aliasesOf(
  written: NonNullable<Written['aliases']>,
  domain: string,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  findings: Findings,
): AliasSource {
  if ('file' in written) {
    const path = resolvePath(folder, written.file);
    if (!files.exists(path))
      findings.problems.push(
        at.problem(['aliases', 'file'], `there is no file "${written.file}"`, `looked for ${files.show(path)}`),
      );
    return { kind: 'file', path };
  }
  const map = new Map<string, readonly string[]>();
  for (const [local, targets] of Object.entries(written.inline)) {
    const here = ['aliases', 'inline', local];
    const name = addressIn(local, domain, at, here, findings);
    if (name !== undefined && !name.endsWith(`@${domain}`))
      findings.problems.push(at.problem(here, `"${local}" is not in ${domain}`, 'write its local part alone', 'key'));
    const list = typeof targets === 'string' ? [targets] : targets;
    for (const [n, target] of list.entries())
      addressIn(target, domain, at, typeof targets === 'string' ? here : [...here, n], findings);
    map.set(local.includes('@') ? local.slice(0, local.lastIndexOf('@')) : local, list);
  }
  return { kind: 'inline', map };
}

function addressIn(
  text: string,
  domain: string,
  at: Spot,
  path: readonly (string | number)[],
  { problems }: Findings,
): string | undefined {
  const mailbox = parseMailbox(text.includes('@') ? text : `${text}@${domain}`, true);
  if (mailbox.kind === 'ok') return mailbox.value.address;
  const remedy = `expected one such as alice, or alice@${domain}`;
  problems.push(at.problem(path, `"${text}" is not an address: ${mailbox.why}`, remedy));
  return undefined;
}

/** Names of `alias_of` as A-labels, each a hosted domain that is itself no alias. */
export function withoutMaps(
  domains: Map<string, HostedDomain>,
  sections: Sections,
  { problems }: Findings,
): Map<string, HostedDomain> {
  for (const [written, { value, at }] of sections.maps.domains) {
    const domain = toAscii(written);
    const hosted = domain === undefined ? undefined : domains.get(domain);
    if (value?.alias_of === undefined || domain === undefined || hosted === undefined) continue;
    for (const key of ['route', 'recipients', 'aliases', 'catch_all'] as const)
      if (value[key] !== undefined)
        problems.push(at.problem([key], `"${key}" means nothing beside alias_of`, 'remove it, or `alias_of`', 'key'));
    const of = toAscii(value.alias_of);
    const target = of === undefined ? undefined : domains.get(of);
    const others = [...domains.values()].filter((one) => one.aliasOf === undefined).map((one) => one.domain);
    if (target === undefined)
      problems.push(
        at.problem(
          ['alias_of'],
          `"${value.alias_of}" is not a hosted domain`,
          `${didYouMean(value.alias_of, others)} there are: ${others.join(', ')}`.trim(),
        ),
      );
    else if (target.aliasOf !== undefined)
      problems.push(
        at.problem(['alias_of'], `"${value.alias_of}" is itself an alias`, `name ${target.aliasOf}, where it leads`),
      );
    else domains.set(domain, { ...hosted, aliasOf: target.domain, route: target.route });
  }
  return domains;
}

export function srsOf(
  { singles }: Sections,
  domains: ReadonlyMap<string, HostedDomain>,
  folder: string,
  { problems }: Findings,
): Installation['srs'] {
  const written = singles.srs;
  if (written?.value === undefined) return undefined;
  const { at, value } = written;
  const domain = toAscii(value.domain);
  const hosted = domain === undefined ? undefined : domains.get(domain);
  if (hosted === undefined)
    problems.push(
      at.problem(
        ['domain'],
        `"${value.domain}" is not a hosted domain, and bounces to it would not come here`,
        `expected one of: ${[...domains.keys()].join(', ')}`,
      ),
    );
  const place = { ...at.source.place([...at.path, 'keys_file'], 'value'), file: at.name };
  return { domain: domain ?? value.domain, keysFile: resolvePath(folder, value.keys_file), place };
}
