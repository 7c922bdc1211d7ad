/** `postern dkim`: a key in a file, its record and its line printed, and nothing of the key itself. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { fakeWorld } from '../support/cli-world.ts';
import { postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';

async function run(world: ReturnType<typeof fakeWorld>, ...words: string[]) {
  const status = await runCli(['dkim', ...words], world);
  return { status, ...world.written };
}

test('prints the record in strings that fit, and the line that is to be written', async () => {
  const world = fakeWorld();
  const { status, out } = await run(
    world,
    'create',
    'Example.com',
    '--selector',
    's2026',
    '--config',
    '/etc/p/postern.yaml',
  );
  expect(status).toBe(0);
  expect(out).toContain('made /etc/p/secrets/example.com.s2026.pem');
  expect(out).toContain('s2026._domainkey.example.com. IN TXT (\n  "v=DKIM1; k=rsa; p=AAA');
  expect([...out.matchAll(/"([^"]*)"/g)].map(([, one]) => one!.length)).toEqual([255, 155]);
  expect(out).toContain(
    '  example.com: [{ selector: s2026, key_file: secrets/example.com.s2026.pem, state: publish }]\n',
  );
  expect(world.files.get('/etc/p/secrets/example.com.s2026.pem')).toContain('rsa');
});

test('a short record is one string, and JSON has all of it', async () => {
  const { out } = await run(fakeWorld(), 'create', 'example.com', '--ed25519', '--json');
  const record = `v=DKIM1; k=ed25519; p=${'B'.repeat(44)}`;
  expect(JSON.parse(out)).toMatchObject({ domain: 'example.com', kind: 'ed25519', record, strings: [record] });
  expect(JSON.parse(out).selector).toMatch(/^e\d{6}$/);
});

test.each([
  [['create', 'com'], 2, /not a domain/],
  [['create', 'example.com', '--selector', 'a_b'], 2, /is no selector/],
  [['create', 'example.com', '--bits', '1024'], 2, /expected one of 2048/],
  [['create'], 2, /missing required argument/],
  [['show', 'example.net'], 1, /does not stand in signing/],
])('%j ends with %i', async (words, status, said) => {
  const ended = await run(fakeWorld(), ...words);
  expect(ended).toMatchObject({ status, err: expect.stringMatching(said) });
});

test('a real key: made once, told again by `show`, found by `check`, refused once others may read it', async () => {
  const at = installationFolder([
    'domains: { example.com: { route: files, recipients: any } }',
    'routes: { files: { protocol: maildir, path: mail } }',
    'signing: { example.com: [{ selector: one, key_file: secrets/example.com.one.pem }] }',
  ]);
  const config = ['--config', at.config];
  const make = () => postern('dkim', 'create', 'example.com', '--selector', 'one', '--json', ...config);
  const made = await make();
  expect(made.code).toBe(0);
  const file = join(at.folder, 'secrets/example.com.one.pem');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, 'utf8');
  const again = await make();
  expect([again.code, readFileSync(file, 'utf8')]).toEqual([1, text]);
  expect(again.err).toContain('it stays as it is');
  const shown = await postern('dkim', 'show', '--json', ...config);
  expect(JSON.parse(shown.out)).toMatchObject({ state: 'active', record: JSON.parse(made.out).record });
  const checked = await postern('check', ...config);
  expect(checked.code).toBe(0);
  for (const { out, err } of [made, again, shown, checked])
    for (const line of text.split('\n').slice(1, -2)) expect(out + err).not.toContain(line);
});
