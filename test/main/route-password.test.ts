/** The password of a route that cannot be had: nothing starts, and the reason is told. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { startGateway } from '../../src/main/serve.ts';
import { temporaryFolder } from '../support/store-folder.ts';

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
  const folder = temporaryFolder();
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
