/** Routes as written made into routes as used. */
import type { z } from 'zod';
import type { HostAddress, Route, Takes } from '../queue/route.ts';
import { ADDED_OCTETS } from '../queue/takes.ts';
import type { Findings } from './findings.ts';
import { parseNextHop } from './host-port.ts';
import type { Installation } from './installation.ts';
import { resolvePath } from './paths.ts';
import type { ROUTE } from './schema.ts';
import { flowFrom } from './schema-flow.ts';
import type { Sections, Spot } from './sections.ts';

type WrittenRoute = z.output<typeof ROUTE>;

export function buildRoutes(
  sections: Sections,
  folder: string,
  queue: Installation['queue'],
  findings: Findings,
): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const [name, { value, at }] of sections.maps.routes) {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name))
      findings.problems.push(at.problem([], `"${name}" is no name for a route`, 'letters, digits, _ and -', 'key'));
    if (value === undefined) continue;
    const timing = {
      name,
      ...said(value),
      ...flowFrom(value),
      notificationExpire: queue.notificationExpire,
      retry: value.retry ?? queue.retry,
      expire: value.expire ?? queue.expire,
      delayNotice: value.delay_notice ?? queue.delayNotice,
      refusedAfterAccept: value.refused_after_accept,
    };
    const route = oneRoute(value, at, timing, folder, findings);
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
  { problems, notYet }: Findings,
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
    foreign(['port', 'tls', 'auth'], 'maildir');
    return { kind: 'maildir', ...timing, path: resolvePath(folder, value.path) };
  }
  if (value.protocol === 'maildir') {
    problems.push(at.problem(['protocol'], 'a maildir has a path and no hosts', 'write `path:` and remove the rest'));
    return undefined;
  }
  checkSecurity(value, at, { problems, notYet });
  if (value.mx === true) {
    foreign(['protocol', 'auth'], 'MX');
    notYet.push(at.problem(['mx'], '`mx: true` has not come yet', 'name the `hosts:` of a relay', 'key'));
    return { kind: 'mx', ...timing, port: value.port ?? 25, tls: value.tls ?? 'dane' };
  }
  foreign(['port'], 'hosts');
  const protocol = value.protocol ?? 'smtp';
  const hosts: HostAddress[] = [];
  value.hosts?.forEach((text, n) => {
    const host = parseNextHop(text, protocol === 'lmtp' ? LMTP_PORT : SMTP_PORT);
    if (host === undefined)
      problems.push(
        at.problem(
          ['hosts', n],
          `"${text}" is not a host`,
          'expected one such as "mail1.internal:25", "[2001:db8::1]:25" or "unix:/run/lmtp"',
        ),
      );
    else hosts.push(host);
  });
  return { kind: 'hosts', ...timing, protocol, hosts, tls: value.tls ?? 'opportunistic', auth: null };
}

const SMTP_PORT = 25;
const LMTP_PORT = 24; // RFC 2033 §5 leaves it open; 24 is IANA's "any private mail system", by custom LMTP

function checkSecurity(value: WrittenRoute, at: Spot, { problems, notYet }: Findings): void {
  const { auth, tls } = value;
  if (auth !== undefined) {
    if (tls !== 'verified')
      problems.push(
        at.problem(
          ['auth'],
          'a password goes only to a host whose certificate was verified',
          'write `tls: verified`',
          'key',
        ),
      );
    if (auth.password !== undefined && !auth.password.startsWith('env:'))
      problems.push(
        at.problem(
          ['auth', 'password'],
          'a secret stands in this file',
          'write `password_file:` and a path, or `password: env:NAME`',
          'key',
        ),
      );
    if ((auth.password === undefined) === (auth.password_file === undefined))
      problems.push(
        at.problem(['auth'], 'one password is needed', 'write `password_file:` or `password: env:NAME`', 'key'),
      );
    notYet.push(
      at.problem(
        ['auth'],
        '`auth` of a route has not come yet',
        'use a host that takes this machine by its address',
        'key',
      ),
    );
  }
  if (tls !== undefined && tls !== 'none' && tls !== 'opportunistic')
    notYet.push(at.problem(['tls'], `\`tls: ${tls}\` of a route has not come yet`, 'write opportunistic or none'));
}
