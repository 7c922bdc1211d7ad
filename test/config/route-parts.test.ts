/** What a route says of itself in its smaller parts: its name, its times, its password, the ports of those that come last. */
import { describe, expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { timingOf } from '../../src/config/route-timing.ts';
import { hours, minutes } from '../../src/mail/time.ts';
import { ADDED_OCTETS } from '../../src/queue/takes.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const load = (route: string, { name = 'r', more = '' } = {}) =>
  loadInstallation(
    FILE,
    filesOf({
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
      [FILE]: `hostname: mx1.example.com
listeners: { mx: { address: "0.0.0.0:25" } }
domains: { example.com: { route: ${name}, recipients: any } }
routes: { ${name}: { ${route} } }
${more}
`,
    }),
  );
const routed = (route: string, more = '') => {
  const { installation, problems } = load(route, { more });
  expect(problems).toEqual([]);
  return installation!.routes.get('r')!;
};
const problemsOf = (route: string, name = 'r') => load(route, { name }).problems.map(({ message }) => message);

test('has a name of 63 characters at most', () => {
  const name = 'n'.repeat(63);
  expect(problemsOf('mx: true', name)).toEqual([]);
  expect(problemsOf('mx: true', `${name}n`)).toEqual([`"${name}n" is no name for a route`]);
});

test('into a folder takes addresses beyond ASCII unless it says not; to a host only where it says so', () => {
  const sizeBytes = 10_000_000 - ADDED_OCTETS;
  expect(routed('protocol: maildir, path: m, size: 10 MB').takes).toEqual({ utf8: true, sizeBytes });
  expect(routed('protocol: maildir, path: m, size: 10 MB, smtputf8: false').takes).toEqual({ utf8: false, sizeBytes });
  expect(routed('mx: true, size: 10 MB').takes).toEqual({ utf8: false, sizeBytes });
});

describe('times', () => {
  const QUEUE = 'queue: { retry: [1m], expire: 2d, delay_notice: 3h }';
  test('are the queue’s where the route says nothing', () => {
    expect(routed('mx: true', QUEUE)).toMatchObject({ retry: [minutes(1)], expire: hours(48), delayNotice: hours(3) });
    const own = 'mx: true, retry: [2m], expire: 1d, delay_notice: never';
    expect(routed(own, QUEUE)).toMatchObject({ retry: [minutes(2)], expire: hours(24), delayNotice: 'never' });
  });
  test('of a route that is gone are the queue’s, and what is refused there is kept aside', () => {
    const { installation } = load('mx: true', { more: QUEUE });
    expect(timingOf('r', installation!)).toBe(installation!.routes.get('r'));
    expect(timingOf('gone', installation!)).toMatchObject({
      ...{ name: 'gone', retry: [minutes(1)], expire: hours(48), delayNotice: hours(3) },
      refusedAfterAccept: 'quarantine',
    });
  });
});

describe('a password', () => {
  const to = (auth: string, tls = 'verified') => `hosts: ["a.test"], tls: ${tls}, auth: { user: u${auth} }`;
  const CLEAR = 'a password goes only to a host whose certificate was verified';
  test.each([
    [to(', password: env:PW'), []],
    [to(', password_file: pw', 'dane'), []],
    [to(', password_file: pw', 'required'), [CLEAR]],
    [to(', password_file: pw, password: env:PW'), ['one password is needed']],
    [to(''), ['one password is needed']],
    [to(', password: "env:PW geheim"'), ['a secret stands in this file']],
    ['mx: true, auth: { user: u, password: env:PW }, tls: verified', ['"auth" means nothing for a route by MX']],
  ])('%s', (route, problems) => {
    expect(problemsOf(route)).toEqual(problems);
  });
});

test('over LMTP the hosts that come last have its port too', () => {
  expect(routed('protocol: lmtp, hosts: ["a.test"], fallback: ["b.test"], tls: none')).toMatchObject({
    hosts: [{ port: 24 }],
    fallback: [{ port: 24 }],
  });
});

test('a user in `routing` is meant in whatever letters it is written', () => {
  const { installation } = load('mx: true', { more: 'routing: [{ user: "Scanner*", route: r }]' });
  expect(installation?.routing).toEqual([{ user: [{ kind: 'pattern', pattern: 'scanner*' }], route: 'r' }]);
});
