/** Passwords that the configuration names, of whatever they are: one that cannot be had shows when it loads, not at the first login. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { postern } from '../support/gateway-process.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { makePair } from '../support/tls.ts';

let folder = '';
let file = '';
let gateway: Gateway | undefined;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder, 'postern.yaml');
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'policies/p.yaml'), 'policy: p\nchecks: {}\nrules: {}\n');
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const LDAP = 'url: "ldaps://127.0.0.1:9", base: "dc=example", bind_dn: "cn=reader"';
const SQL = 'url: "postgres://r@127.0.0.1:9/m", tls: none, query: "SELECT 1 FROM m WHERE a = $1"';
type Kind = 'route' | 'logins' | 'ldap' | 'sql';
const WHO: { readonly [kind in Kind]: string } = {
  route: 'route "next"',
  logins: 'the directory "staff"',
  ldap: 'a source of recipients (ldap 127.0.0.1:9)',
  sql: 'a source of recipients (sql 127.0.0.1:9/m)',
};

/** With the password of one of them written so. */
function write(kind: Kind, password: string): void {
  const of = (one: Kind) => (one === kind ? `, ${password}` : '');
  const recipients = {
    ldap: `[{ ldap: { preset: openldap, ${LDAP}${of('ldap')} } }]`,
    sql: `[{ sql: { ${SQL}${of('sql')} } }]`,
  };
  writeFileSync(
    file,
    `hostname: mx.gateway.test
listeners:
  mx: { address: "127.0.0.1:0", policy: p }
  submissions: { address: "127.0.0.1:0", policy: p, tls: implicit, auth: required }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
${kind === 'logins' ? `users: { staff: { ldap: { ${LDAP}${of('logins')} } } }` : 'users: { staff: { file: users } }'}
domains: { ours.test: { route: next, recipients: ${kind === 'ldap' || kind === 'sql' ? recipients[kind] : 'any'} } }
routes: { next: { hosts: ["localhost:9"], tls: verified${kind === 'route' ? `, auth: { user: relay${of('route')} }` : ''} } }
default_route: next
threads: 0
store: { path: store, min_free: 1 MiB }
`,
  );
  if (kind !== 'logins') writeFileSync(join(folder, 'users'), '', { mode: 0o600 });
}

const start = () => startGateway(file, { log: silentLog });

const FAULTS: readonly [string, string, () => void, string][] = [
  ['a variable that is not set', 'password: "env:POSTERN_NOT_SET"', () => {}, 'there is no POSTERN_NOT_SET'],
  ['a file that is not there', 'password_file: gone', () => {}, 'there is no such file'],
  [
    'a file that others may read',
    'password_file: open',
    () => writeFileSync(join(folder, 'open'), 'planted\n', { mode: 0o644 }),
    'open: others may read it',
  ],
  [
    'an empty file',
    'password_file: empty',
    () => writeFileSync(join(folder, 'empty'), '\n', { mode: 0o600 }),
    'empty is empty',
  ],
];

test.each(
  (['route', 'logins', 'ldap', 'sql'] as const).flatMap((kind) => FAULTS.map((fault) => [kind, ...fault] as const)),
)(
  'a password for %s in %s stops serve and check, and is not looked for without secrets',
  async (kind, _, password, make, why) => {
    make();
    write(kind, password);
    const message = `the password of ${WHO[kind]} cannot be taken: `;
    await expect(start()).rejects.toThrow(message);
    await expect(start()).rejects.toThrow(why);
    // A process takes a second: one of each kind.
    if (!/open|NOT_SET/.test(password)) return;
    const check = await postern('check', '--config', file);
    expect(check.code).toBe(1);
    expect(check.out + check.err).toContain(message);
    expect(check.out + check.err).toMatch(/postern\.yaml:\d+:\d+/);
    expect(check.out + check.err).not.toContain('planted');
    expect((await postern('check', '--no-secrets', '--config', file)).code).toBe(0);
  },
);

test.each(['route', 'logins', 'ldap', 'sql'] as const)(
  'a reload that cannot have a password for %s leaves in force what was',
  async (kind) => {
    writeFileSync(join(folder, 'secret'), 'planted\n', { mode: 0o600 });
    write(kind, 'password_file: secret');
    gateway = await start();
    expect(await gateway.reload()).toEqual([]);
    rmSync(join(folder, 'secret'));
    const [refused] = await gateway.reload();
    expect(refused?.message).toContain(`the password of ${WHO[kind]} cannot be taken: `);
    write(kind, 'password: "env:POSTERN_NAMED"');
    process.env.POSTERN_NAMED = 'planted';
    expect(await gateway.reload()).toEqual([]);
    delete process.env.POSTERN_NAMED;
    expect((await gateway.reload())[0]?.message).toContain('cannot be taken: ');
  },
);
