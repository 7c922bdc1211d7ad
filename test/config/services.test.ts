/** `services:` as it is written, and what is said of it where it is wrong. */
import { expect, test } from 'vitest';
import { installationView } from '../../src/config/bundle-view.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const load = (services: string) =>
  loadInstallation(
    '/etc/postern/postern.yaml',
    filesOf({
      '/etc/postern/policies/inbound.yaml': '',
      '/etc/postern/postern.yaml': `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:25", policy: inbound } }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
${services}
`,
    }),
  );

test('every service with all it may say', () => {
  const { installation, problems, notYet } = load(`services:
  clamav: { address: "unix:/run/clamav/clamd.ctl", connect_timeout: 500ms, max_size: 25 MiB }
  spamassassin: { address: "[::1]" }
  rspamd: { url: "https://rspamd.example:11334/scan/" }`);
  expect([...problems, ...notYet]).toEqual([]);
  expect(installation?.services).toEqual({
    clamav: { address: { kind: 'unix', path: '/run/clamav/clamd.ctl' }, connectTimeout: 500, maxBytes: 25 * 1024 ** 2 },
    spamassassin: { address: { kind: 'tcp', host: '::1', port: 783 }, connectTimeout: 2000 },
    rspamd: { url: 'https://rspamd.example:11334/scan', connectTimeout: 2000 },
  });
  expect(installationView(installation!).services).toEqual(['clamav', 'spamassassin', 'rspamd']);
});

test('none: the bundle says nothing of services, and keeps the digest it had before there were any', () => {
  expect(installationView(load('').installation!)).not.toHaveProperty('services');
});

test.each([
  ['clamav: { address: "clamd.ctl" }', undefined, ''],
  ['clamav: { address: "unix:clamd.ctl" }', 'is not the address of a daemon', 'unix:/run/clamav/clamd.ctl'],
  ['clamav: { address: "127.0.0.1:99999" }', 'is not the address of a daemon', '127.0.0.1:3310'],
  ['spamassassin: { address: "192.0.2.999:783" }', 'is not the address of a daemon', '127.0.0.1:783'],
  ['clamav: { address: "8.8.8.8:3310" }', 'mail would go to 8.8.8.8 unencrypted', 'private network'],
  ['rspamd: { url: "http://8.8.8.8:11333" }', 'mail would go to 8.8.8.8 unencrypted', 'https:'],
  ['rspamd: { url: "https://8.8.8.8:11333" }', undefined, ''],
  ['rspamd: { url: "127.0.0.1:11333" }', 'is not the address of rspamd', 'http://127.0.0.1:11333'],
  ['rspamd: { url: "http://user:secret@127.0.0.1/" }', 'is not the address of rspamd', 'http://127.0.0.1:11333'],
  ['rspamd: { address: "127.0.0.1:11333" }', '"address" is not a key', 'url'],
  ['clamd: { address: "127.0.0.1:3310" }', '"clamd" is not a key', 'clamav'],
  ['clamav: { address: "127.0.0.1", connect_timeout: 2s5 }', 'is not a duration', '30s'],
])('%s', (services, message, remedy) => {
  const { problems } = load(`services:\n  ${services}`);
  if (message === undefined) return expect(problems).toEqual([]);
  const told = problems.find((problem) => problem.message.includes(message));
  expect(told, JSON.stringify(problems)).toMatchObject({ place: { file: 'postern.yaml', line: 6 } });
  expect(told?.remedy).toContain(remedy);
});
