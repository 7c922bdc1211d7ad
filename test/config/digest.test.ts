/** `quarantine.digest`: its pages stay private, its links secret on their way, and mistakes are told with a remedy. */
import { expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const load = (digest: string) =>
  loadInstallation(
    '/etc/postern/postern.yaml',
    filesOf({
      '/etc/postern/postern.yaml': `hostname: mx1.example.com
listeners: { mx: { address: "0.0.0.0:25" } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
quarantine: { digest: { ${digest} } }
`,
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
    }),
  );
const LINK = 'link: "https://q.example.com/held/"';

test('what is left out has a default', () => {
  const { installation, problems, notYet } = load(LINK);
  expect([...problems, ...notYet]).toEqual([]);
  expect(installation!.digest).toEqual({
    link: 'https://q.example.com/held',
    address: { host: '127.0.0.1', port: 8026 },
    schedule: { kind: 'daily', minutes: [420], timeZone: 'UTC' },
    timeZone: 'UTC',
    from: '',
    expires: 7 * 86_400_000,
    others: 'count',
    domains: undefined,
  });
});

test('times are put in order', () => {
  const { installation } = load(`${LINK}, at: ["16:30", "07:00", "16:30"], time_zone: Europe/Berlin`);
  expect(installation!.digest!.schedule).toEqual({ kind: 'daily', minutes: [420, 990], timeZone: 'Europe/Berlin' });
  expect(load(`${LINK}, every: 4h`).installation!.digest!.schedule).toEqual({ kind: 'every', span: 4 * 3_600_000 });
});

test.each([
  ['link: "http://q.example.com"', 'is not https', 'proxy'],
  ['link: "https://q.example.com/?a=b"', 'is not where a page can be', 'expected https://'],
  ['link: "https://q.example.com/a b"', 'is not where a page can be', 'expected https://'],
  ['link: "ftp://q.example.com"', 'is not where a page can be', 'expected https://'],
  ['at: ["07:00"]', 'link', ''],
  [`${LINK}, address: "0.0.0.0:8026"`, 'is every address of this machine', 'behind a proxy'],
  [`${LINK}, address: "[::]:8026"`, 'is every address of this machine', 'behind a proxy'],
  [`${LINK}, address: "192.0.2.1:8026"`, 'can be reached from outside', 'behind a proxy'],
  [`${LINK}, address: "q.example.com:8026"`, 'is not where pages can be served', '127.0.0.1'],
  [`${LINK}, address: "127.0.0.1:25"`, 'taken by the listener mx', 'a port of their own'],
  [`${LINK}, at: ["07:00"], every: 1d`, 'two schedules', 'keep one'],
  [`${LINK}, at: ["7:00"]`, 'no time of day', ''],
  [`${LINK}, every: 5m`, 'too short', ''],
  [`${LINK}, time_zone: Berlin`, 'no time zone', 'Europe/Berlin'],
  [`${LINK}, from: "nobody"`, 'is not an address', 'it@example.com'],
  [`${LINK}, expires: 90d`, '60d or less', ''],
  [`${LINK}, domains: [example.org]`, 'no hosted domain', 'add it to domains'],
  [`${LINK}, others: all`, 'others', ''],
])('%s is told at its line', (digest, message, remedy) => {
  const { installation, problems } = load(digest);
  expect(installation).toBeUndefined();
  expect(problems).toHaveLength(1);
  const [{ place, message: said, remedy: mends, excerpt }] = problems as [(typeof problems)[number]];
  expect(place.line).toBe(5);
  expect(`${said} ${excerpt}`).toContain(message);
  expect(mends).toContain(remedy);
});
