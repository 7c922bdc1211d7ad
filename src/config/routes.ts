/** Routes as written made into routes as used. */
import type { z } from 'zod';
import type { Route, Takes, TlsLevel } from '../queue/route.ts';
import { ADDED_OCTETS } from '../queue/takes.ts';
import type { Findings } from './findings.ts';
import type { Installation } from './installation.ts';
import { resolvePath } from './paths.ts';
import { authOf } from './route-auth.ts';
import { certificateOf } from './route-certificate.ts';
import { fallbackOf, hostsOf, sourceOf, strategyOf } from './route-hosts.ts';
import { filled, presetWarnings } from './route-presets.ts';
import { flowFrom } from './schema-flow.ts';
import type { ROUTE } from './schema-routes.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';

type WrittenRoute = z.output<typeof ROUTE>;

export function buildRoutes(
  sections: Sections,
  folder: string,
  files: InstallationFiles,
  queue: Installation['queue'],
  findings: Findings,
): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const [name, { value: written, at }] of sections.maps.routes) {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name))
      findings.problems.push(at.problem([], `"${name}" is no name for a route`, 'letters, digits, _ and -', 'key'));
    if (written === undefined) continue;
    const value = filled(written);
    findings.problems.push(...presetWarnings(written, at));
    const timing = {
      name,
      ...said(value),
      ...flowFrom(value),
      ...(value.deliver === 'cut_through' ? { deliver: value.deliver } : {}),
      notificationExpire: queue.notificationExpire,
      retry: value.retry ?? queue.retry,
      expire: value.expire ?? queue.expire,
      delayNotice: value.delay_notice ?? queue.delayNotice,
      refusedAfterAccept: value.refused_after_accept,
    };
    const route = oneRoute(value, at, timing, folder, files, findings);
    if (route !== undefined) routes.set(name, route);
  }
  return routes;
}

/** Of the size the hosts name, some goes to what is added on the way. */
function said({ smtputf8, size, path }: WrittenRoute): { readonly takes?: Takes } {
  if (smtputf8 === undefined && size === undefined) return {};
  const sizeBytes = size === undefined ? Number.POSITIVE_INFINITY : size - ADDED_OCTETS;
  return { takes: { utf8: smtputf8 ?? path !== undefined, sizeBytes } };
}

function oneRoute(
  value: WrittenRoute,
  at: Spot,
  timing: Omit<Route & { kind: 'maildir' }, 'kind' | 'path'>,
  folder: string,
  files: InstallationFiles,
  { problems }: Findings,
): Route | undefined {
  const kinds = [value.hosts && 'hosts', value.path && 'path', value.mx && 'mx'].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) {
    const message = kinds.length === 0 ? 'the route leads nowhere' : `the route says ${kinds.join(' and ')}`;
    problems.push(
      at.problem([], message, 'expected one of `hosts: […]`, `protocol: maildir` with `path:`, `mx: true`', 'key'),
    );
    return undefined;
  }
  const foreign = (keys: readonly (keyof WrittenRoute)[], kind: string): void => {
    for (const key of keys)
      if (value[key] !== undefined)
        problems.push(at.problem([key], `"${key}" means nothing for a route by ${kind}`, 'remove it', 'key'));
  };
  if (value.path !== undefined) {
    if (value.protocol !== 'maildir')
      problems.push(at.problem(['path'], '"path" is for maildirs', 'add `protocol: maildir`', 'key'));
    foreign(['port', 'tls', 'auth', 'strategy', 'source', 'fallback', 'preset', 'certificate', 'key'], 'maildir');
    return { kind: 'maildir', ...timing, path: resolvePath(folder, value.path) };
  }
  if (value.protocol === 'maildir') {
    problems.push(at.problem(['protocol'], 'a maildir has a path and no hosts', 'write `path:` and remove the rest'));
    return undefined;
  }
  const auth = authOf(value, at, folder, problems);
  const speaking = {
    ...sourceOf(value, at, { problems }),
    ...fallbackOf(value, at, { problems }),
    ...certificateOf(value, at, folder, files, { problems }),
  };
  if (value.mx === true) {
    foreign(['protocol', 'auth', 'strategy'], 'MX');
    return { kind: 'mx', ...timing, ...speaking, port: value.port ?? SMTP_PORT, tls: value.tls ?? BY_MX };
  }
  foreign(['port'], 'hosts');
  if (value.tls === 'mta-sts')
    problems.push(
      at.problem(['tls'], 'MTA-STS speaks of hosts by MX, and these have names of their own', 'write `tls: verified`'),
    );
  return {
    kind: 'hosts',
    ...timing,
    ...speaking,
    ...strategyOf(value, at, { problems }),
    protocol: value.protocol ?? 'smtp',
    hosts: hostsOf(value, at, { problems }),
    tls: value.tls ?? UNSAID,
    auth,
  };
}

const SMTP_PORT = 25;
/** Where nothing is said: encrypted when the host can (RFC 7435). */
const UNSAID: TlsLevel = 'opportunistic';
/** By MX: what the host's zone says, else what the domain's policy says, else when the host can. */
const BY_MX: TlsLevel = 'dane';
