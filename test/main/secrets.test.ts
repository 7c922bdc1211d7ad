/** Planted secrets of the way out, searched in everything that is written down: log, store, records, status; and what a host says back. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';

const PASSWORD = 'planted-password-of-a-route';
const PLAIN = Buffer.from(`\0relay\0${PASSWORD}`).toString('base64');
const KEY = 'planted-key-of-rewritten-senders-0123';
const pem = (name: string) => readFileSync(join(import.meta.dirname, '../support/certificates', name), 'utf8');
const known = getCACertificates('default');
let folder = '';
let gateway: Gateway | undefined;
let next: ScriptedHost;

beforeEach(() => {
  setDefaultCACertificates([...known, pem('authority.pem')]);
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterEach(async () => {
  await gateway?.stop();
  await next.stop();
  setDefaultCACertificates(known);
  rmSync(folder, { recursive: true, force: true });
});

test('no password of a route and no key of srs is written anywhere, though the host says the password back', async () => {
  // Not all hosts are kind: this one refuses the login and repeats it.
  next = await ScriptedHost.start({
    tls: { key: pem('host.key'), cert: pem('by-name.pem') },
    AUTH: (line) => `535 5.7.8 I do not like ${line} nor ${PASSWORD}`,
  });
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/p.yaml'), 'policy: p\n');
  for (const [name, text] of Object.entries({ password: PASSWORD, keys: KEY })) {
    writeFileSync(join(folder, name), `${text}\n`);
    chmodSync(join(folder, name), 0o600);
  }
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p } }
domains: { ours.test: { route: next, recipients: any, aliases: { inline: { out: carol@elsewhere.test } } } }
routes:
  next:
    hosts: ["localhost:${next.address.kind === 'tcp' ? next.address.port : 0}"]
    tls: verified
    auth: { user: relay, password_file: password }
default_route: next
srs: { domain: ours.test, keys_file: keys }
records: { jsonl: { path: records.jsonl } }
store: { path: store }
`,
  );
  const said: string[] = [];
  const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: note, warn: note, error: note } });
  const words = [
    'EHLO c.test',
    'MAIL FROM:<a@sender.test>',
    'RCPT TO:<out@ours.test>',
    'DATA',
    'Subject: x\r\n\r\nx\r\n.',
    'QUIT',
  ];
  expect(await speak(gateway.addresses.mx!, words)).toMatch(/^250 /);
  while (!next.encrypted.some((line) => line.startsWith('AUTH PLAIN')))
    await new Promise((again) => setTimeout(again, 10));
  expect(next.encrypted).toContain(`AUTH PLAIN ${PLAIN}`);
  await gateway.stop();
  gateway = undefined;

  for (const name of ['password', 'keys']) rmSync(join(folder, name));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
  expect(written.some((text) => text.includes('do not like'))).toBe(true);
  for (const secret of [PASSWORD, PLAIN, KEY])
    for (const text of [...written, ...said]) expect(text.includes(secret), secret).toBe(false);
}, 30_000);

test.each<[string, string, string | undefined, string]>([
  ['a file that is not there', 'password_file: gone', undefined, 'there is no such file'],
  ['a file that is empty', 'password_file: password', ' \n', 'password is empty'],
  ['a file of two lines', 'password_file: password', 'one\ntwo\n', 'it is no one line of text'],
  [
    'a variable that is not set',
    'password: env:POSTERN_NOT_SET',
    undefined,
    'there is no POSTERN_NOT_SET in the environment',
  ],
])('a password of a route in %s is refused, with why', async (_, written, text, why) => {
  next = await ScriptedHost.start();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/p.yaml'), 'policy: p\n');
  if (text !== undefined) writeFileSync(join(folder, 'password'), text, { mode: 0o600 });
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p } }
domains: { ours.test: { route: next, recipients: any } }
routes: { next: { hosts: ["localhost:25"], tls: verified, auth: { user: relay, ${written} } } }
store: { path: store }
`,
  );
  const started = startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  await expect(started).rejects.toThrow(`the password of route "next" cannot be taken: `);
  await expect(started).rejects.toThrow(why);
});
