/** What only a session thread finds out stands in the log of the gateway: who asks is not who watches the files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';
import { endClients, implicitly, makePair } from '../support/tls.ts';

afterEach(endClients);

function gateway(): { readonly running: GatewayProcess; readonly config: string } {
  const at = installationFolder([
    'threads: 1',
    'domains: { a.test: { route: next, recipients: { inline: [bob] }, aliases: { inline: { team: [bob, gone] } } } }',
    'routes: { next: { hosts: ["127.0.0.1:1"], tls: none } }',
    'default_route: next',
    'users: { people: { ldap: { url: "ldap://127.0.0.1:1", tls: none, base: "dc=test" } } }',
    'certificates: [{ names: [mx.gateway.test], certificate: a.pem, key: a.key }]',
  ]);
  const { certificate, key } = makePair('mx.gateway.test');
  at.write('a.pem', certificate);
  writeFileSync(join(at.folder, 'a.key'), key, { mode: 0o600 });
  at.write('more.yaml', 'listeners: { in: { address: "127.0.0.1:0", tls: implicit, auth: required } }\n');
  at.write('whole.yaml', 'include: [postern.yaml, more.yaml]\n');
  const config = join(at.folder, 'whole.yaml');
  return { running: new GatewayProcess(config), config };
}

test('a member of an alias that nobody knows, and a directory of users that does not answer', async () => {
  const { running, config } = gateway();
  const port = await running.port();
  await speak(`127.0.0.1:${port}`, ['EHLO c.test', 'MAIL FROM:<a@b.test>', 'RCPT TO:<team@a.test>', 'QUIT']);
  expect(await running.heard('alias.member_unknown')).toMatchObject({ alias: 'team@a.test', member: 'gone@a.test' });
  const client = await implicitly(await running.port('in'));
  await client.reply();
  await client.ask('EHLO c.test');
  expect(await client.ask(`AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`)).toMatch(/^454 4\.7\.0/);
  expect(await running.heard('users.ldap.failed')).toMatchObject({
    service: 'people',
    error: expect.stringContaining('127.0.0.1:1'),
  });
  const status = await postern('status', '--json', '--config', config);
  expect(JSON.parse(status.out).user_directories).toMatchObject([
    { name: 'people', state: 'down', last_error: expect.stringContaining('127.0.0.1:1') },
  ]);
  expect((await postern('status', '--config', config)).out).toMatch(/users +people DOWN for .*its users hear 454: 127/);
  const doctor = await postern('doctor', '--offline', '--json', '--config', config);
  const found = doctor.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly group: string; readonly saw: string })
    .filter(({ group }) => group === 'users');
  expect(found.map(({ saw }) => saw)).toEqual([
    expect.stringMatching(/^people, 127\.0\.0\.1:1 gives no answer, .*ECONNREFUSED/),
    expect.stringContaining('the gateway has no answer of people: 127.0.0.1:1'),
  ]);
});
