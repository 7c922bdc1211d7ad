/** Sources beyond the process as an operator meets them: asked by a rehearsal only where it says --live, refused where a password cannot be had. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { RecipientLine, serveRecipients } from '../../src/adapters/threads/recipient-line.ts';
import type { LiveAnswer } from '../../src/ports/recipients.ts';
import { postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { ScriptedHost } from '../support/scripted-host.ts';

const PLANTED = 'planted-s3cret';

async function withStore(recipients: (port: number) => string) {
  const host = await ScriptedHost.start({
    RCPT: (line) => (line.includes('<alice@') ? '250 2.1.5 ok' : '550 5.1.1 no such user'),
  });
  const { address } = host;
  const port = address.kind === 'tcp' ? address.port : 0;
  const folder = installationFolder([
    `domains: { store.test: { route: store, recipients: ${recipients(port)} } }`,
    `routes: { store: { hosts: ["127.0.0.1:${port}"], tls: none } }`,
  ]);
  return { host, folder };
}

test('explain takes for known whom only a store could know, and asks it with --live', async () => {
  const { host, folder } = await withStore(() => '{ callout: {} }');
  try {
    const explain = (local: string, ...more: string[]) =>
      postern(
        'explain',
        '--config',
        folder.config,
        '--mail-from',
        'a@b.test',
        '--rcpt',
        `${local}@store.test`,
        ...more,
      );
    const assumed = await explain('eve');
    expect(assumed.out).toContain('callout says known: it is not asked in a rehearsal without --live');
    expect(host.connections).toBe(0);
    const refused = await explain('eve', '--live');
    expect(refused.out).toContain('builtin:unknown-recipient');
    const taken = await explain('alice', '--live');
    expect(taken.out).toContain('callout says known: it was asked');
    expect(host.connections).toBe(2);
    const doctor = await postern('doctor', '--offline', '--config', folder.config);
    expect(doctor.out.replace(/\s+/g, ' ')).toMatch(
      /ok recipients callout 127\.0\.0\.1:\d+ answers, and knows no made-up name in store\.test/,
    );
  } finally {
    await host.stop();
  }
});

test('check names a password that cannot be had, by where it should be', async () => {
  const sql = 'url: "postgres://r@127.0.0.1/m", tls: none, query: "SELECT 1 FROM m WHERE a = $1"';
  const { host, folder } = await withStore(
    () => `[{ sql: { ${sql}, password_file: secret } }, { sql: { ${sql}, password: "env:POSTERN_ABSENT" } }]`,
  );
  await host.stop();
  const absent = await postern('check', '--config', folder.config);
  expect(absent.code).toBe(1);
  expect(absent.out + absent.err).toContain('there is no POSTERN_ABSENT in the environment');
  expect(absent.out + absent.err).toMatch(/cannot be taken: there is no such file/);
  const offline = await postern('check', '--no-secrets', '--config', folder.config);
  expect(offline.code).toBe(0);
  // One that every user may read is told of, and nothing of what it holds.
  writeFileSync(join(folder.folder, 'secret'), PLANTED, { mode: 0o644 });
  const open = await postern('check', '--config', folder.config);
  expect(open.out + open.err).toContain('others may read it');
  expect(open.out + open.err).not.toContain(PLANTED);
});

test('another thread asks over a line, and is put off when nobody answers any more', async () => {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  serveRecipients(port1, {
    ask: async (source, { local }): Promise<LiveAnswer> => {
      if (source === 'broken') throw new Error('closed');
      if (local === 'slow') await new Promise<void>((resolve) => waiting.push(resolve));
      return { result: local === 'alice' ? 'known' : 'unknown', by: 'asked' };
    },
  });
  const line = new RecipientLine(port2);
  const ask = (local: string, source = 's') => line.ask(source, { address: `${local}@x`, local, domain: 'x' });
  expect(await Promise.all([ask('alice'), ask('eve')])).toEqual([
    { result: 'known', by: 'asked' },
    { result: 'unknown', by: 'asked' },
  ]);
  expect(await ask('alice', 'broken')).toEqual({ result: 'unsure', by: 'on_error' });
  const slow = ask('slow');
  port1.close();
  expect(await slow).toEqual({ result: 'unsure', by: 'on_error' });
  expect(await ask('alice')).toEqual({ result: 'unsure', by: 'on_error' });
});
