/** Hosted domains as written made into domains as used. */
import { didYouMean } from '../language/nearest.ts';
import { toAscii } from '../mail/address.ts';
import type { Route } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import type { HostedDomain } from './installation.ts';
import { sourcesOf } from './recipient-sources.ts';
import { rewritesOf, withoutMaps } from './rewrites.ts';
import type { InstallationFiles, Sections } from './sections.ts';

export function buildDomains(
  sections: Sections,
  routes: ReadonlyMap<string, Route>,
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
      recipients:
        recipients === undefined
          ? []
          : sourcesOf(recipients, { domain, route: routes.get(route), at, folder, files, findings }),
      ...rewritesOf(value, domain, at, folder, files, findings),
    });
  }
  return withoutMaps(domains, sections, findings);
}

const MISSING = {
  route: 'add "route": the name of a route; or `alias_of:` and a hosted domain',
  recipients: 'add "recipients": `any`, or a map with inline, file, pattern, ldap, sql or callout, or a list of these',
} as const;
