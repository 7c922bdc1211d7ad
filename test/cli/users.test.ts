/** `passwd` and `suspension`: what they ask of the world, and what they say. */
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import type { GatewayStatus, Suspended } from '../../src/ports/control.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { filesOf } from '../support/installation-files.ts';
import { NOON } from '../support/samples.ts';

function worldWith(users: string): FakeWorld {
  const world = fakeWorld();
  const { installation, problems } = loadInstallation(
    '/etc/postern/postern.yaml',
    filesOf({
      '/etc/postern/policies/outbound.yaml': 'policy: outbound\n',
      '/etc/postern/postern.yaml': `hostname: mx1.example.com
listeners: { submission: { address: "127.0.0.1:0", policy: outbound, tls: required, auth: required } }
certificates: [{ names: [mx1.example.com], certificate: a.pem, key: a.key }]
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
default_route: store
${users}`,
    }),
  );
  expect(problems).toEqual([]);
  world.loaded = { ...world.loaded, installation };
  return world;
}

const run = async (world: FakeWorld, ...args: string[]) => {
  const status = await runCli(args, world);
  return { status, ...world.written };
};

test('a user gets a password in the only file there is', async () => {
  const world = worldWith('');
  expect(await run(world, 'passwd', 'Alice@Example.com')).toEqual({
    status: 0,
    out: 'alice@example.com: added in /etc/postern/users\n',
    err: '',
  });
  expect(world.asked).toContain('change alice@example.com in /etc/postern/users');
  expect((await run(world, 'passwd', 'printer', '--no-scram')).status).toBe(0);
  expect(world.asked).toContain('change printer in /etc/postern/users without scram');
});

test.each([
  ['a name with a blank', ['passwd', 'a b'], 2, 'no name of a user'],
  ['nobody to take out', ['passwd', 'alice', '--delete'], 1, 'knows nobody'],
  ['a short password', ['passwd', 'alice'], 1, '8 characters'],
  ['a password with a control character', ['passwd', 'bob'], 1, 'control characters'],
])('%s is told', async (_, args, status, err) => {
  const world = worldWith('');
  world.secret = args[1] === 'bob' ? 'long enough\x07' : 'short';
  const came = await run(world, ...args);
  expect(came.status).toBe(status);
  expect(came.err).toContain(err);
  expect(came.err + came.out).not.toContain(world.secret);
});

test('where there are several files, one is named', async () => {
  const world = worldWith('users: { staff: { file: staff }, tools: { file: tools } }\n');
  expect(await run(world, 'passwd', 'alice')).toMatchObject({
    status: 2,
    err: expect.stringContaining('staff, tools'),
  });
  expect((await run(world, 'passwd', 'alice', '--source', 'tools')).status).toBe(0);
  expect(world.asked.at(-1)).toBe('change alice in /etc/postern/tools');
});

const suspended: Suspended = {
  user: 'alice@example.com',
  since: NOON,
  until: NOON + 7_200_000,
  by: 'rule:stolen-account-suspended',
  why: 'stolen',
  recordId: '3f9k2m7q0d5xa',
};

test('who is suspended is listed, and lifted by name', async () => {
  const world = worldWith('');
  const status = { suspensions: [suspended] } as unknown as GatewayStatus;
  world.answer = { kind: 'answered', answer: { problems: [], status } };
  expect((await run(world, 'suspension', 'list')).out).toBe(
    'alice@example.com  for 2 h yet, by rule:stolen-account-suspended: stolen (postern trace 3f9k2m7q0d5xa)\n',
  );
  world.written.out = '';
  expect(JSON.parse((await run(world, 'suspension', 'list', '--json')).out)).toMatchObject([
    { user: 'alice@example.com', until: new Date(suspended.until).toISOString(), record_id: '3f9k2m7q0d5xa' },
  ]);
  expect((await run(world, 'suspension', 'lift', 'alice@example.com')).status).toBe(0);
  expect(world.asked.at(-1)).toBe('control {"verb":"suspension","lift":{"user":"alice@example.com","by":"olga"}}');
  expect((await run(world, 'suspension', 'begin', 'bob', '--for', '1d', '--why', 'phished')).status).toBe(0);
  expect(world.asked.at(-1)).toBe(
    'control {"verb":"suspension","begin":{"user":"bob","by":"olga","why":"phished","span":86400000}}',
  );
  expect((await run(world, 'suspension', 'begin', 'bob', '--for', '9y', '--why', 'x')).status).toBe(2);
});
