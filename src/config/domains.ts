/** Hosted domains as written made into domains as used. */
import { didYouMean } from '../language/nearest.ts';
import { toAscii } from '../mail/address.ts';
import type { Route } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import type { HostedDomain } from './installation.ts';
import { sourcesOf } from './recipient-sources.ts';
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

    if (!sections.maps.routes.has(value.route)) {
      const routes = [...sections.maps.routes.keys()];
      const near = didYouMean(value.route, routes);
      problems.push(
        at.problem(['route'], `there is no route "${value.route}"`, `${near} there are: ${routes.join(', ')}`.trim()),
      );
    }
    domains.set(domain, {
      domain,
      route: value.route,
      recipients: sourcesOf(value.recipients, { domain, route: routes.get(value.route), at, folder, files, findings }),
      settings: value.settings,
      place: { ...at.source.place(at.path, 'key'), file: at.name },
    });
  }
  return domains;
}
