/** Held and given back, through a gateway that runs: octet for octet what would have been delivered, scanned again, and on record. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { runCli } from '../../src/cli/program.ts';
import { cliWorld } from '../../src/main/cli-world.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { hostileService } from '../support/hostile-service.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';

const POLICY = `policy: inbound
rules:
  data:
    - name: marked
      when: "true"
      add_header: { name: X-Filed, value: "by {message.subject}" }
    - name: held
      when: "recipient.local != 'yes'"
      quarantine: { class: spam, reason: "not for {recipient.local}" }
`;
const LINES = [
  'domains: { files.test: { route: files, recipients: any } }',
  'routes: { files: { protocol: maildir, path: mail }, other: { protocol: maildir, path: other } }',
];

async function serving(lines: readonly string[] = []) {
  const { config, folder } = installationFolder([...LINES, ...lines], { inbound: POLICY });
  const gateway = await startGateway(config, { log: silentLog });
  onTestFinished(() => gateway.stop());
  return { gateway, config, folder };
}
/** A message to these; what the gateway said to it. */
const send = (gateway: Gateway, body: string, ...recipients: readonly string[]) =>
  speak(gateway.addresses.mx!, [
    'EHLO client.test',
    'MAIL FROM:<alice@sender.test>',
    ...recipients.map((one) => `RCPT TO:<${one}@files.test>`),
    'DATA',
    `${body}.`,
    'QUIT',
  ]);
const real = cliWorld(new AbortController().signal);
async function run(config: string, ...words: readonly string[]) {
  const written = { out: '', err: '' };
  const world = {
    ...real,
    out: async (text: string) => {
      written.out += text;
    },
    err: async (text: string) => {
      written.err += text;
    },
  };
  return { status: await runCli([...words, '--config', config], world), ...written };
}
/** What lies in the maildirs, once there are so many, in the order of recipients' names. */
async function delivered(folder: string, count: number): Promise<readonly Buffer[]> {
  const box = join(folder, 'mail');
  for (;;) {
    const names = existsSync(box) ? readdirSync(box, { recursive: true, encoding: 'utf8' }) : [];
    const files = names.filter((name) => /\/new\/./.test(name)).sort();
    if (files.length >= count) return files.map((name) => readFileSync(join(box, name)));
    await new Promise((again) => setImmediate(again));
  }
}
const idOf = (said: string): string => /queued as (\w+)/.exec(said)![1]!;

const BODY = `From: a@x.test\r\nAuthentication-Results: mx.gateway.test; spf=pass\r\nSubject: two\r\n\r\nBare \x7f, high ${'é'} and a long line ${'x'.repeat(3000)}\r\n\r\n`;

test('what is released is octet for octet what another recipient got at once, and the record tells who released it and when', async () => {
  const { gateway, config, folder } = await serving();
  const id = idOf(await send(gateway, BODY, 'yes', 'no'));
  const [atOnce] = await delivered(folder, 1);
  expect((await run(config, 'quarantine', 'list')).out).toContain(`${id}.2`);
  expect(await run(config, 'quarantine', 'release', id, '--why', 'asked by phone')).toMatchObject({
    status: 0,
    out: '1 released\n',
  });
  const both = await delivered(folder, 2);
  expect(both[0]!.equals(both[1]!)).toBe(true);
  expect(both[0]!.equals(atOnce!)).toBe(true);
  // Beside the prefix and what was taken off as forged, nothing of the message is changed.
  expect(atOnce!.toString('latin1')).toContain('X-Filed: by two\r\n');
  const kept = BODY.replace('Authentication-Results: mx.gateway.test; spf=pass\r\n', '');
  expect(atOnce!.subarray(-Buffer.byteLength(kept)).equals(Buffer.from(kept))).toBe(true);

  const { out } = await run(config, 'trace', id);
  expect(out).toMatch(
    new RegExp(`20\\d\\d-\\d\\d-\\d\\d [\\d:.]+ UTC +released +\\.2 +${userInfo().username} +asked by phone\n`),
  );
  const { events } = JSON.parse((await run(config, 'trace', id, '--json')).out);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'released', recipient: 2, by: userInfo().username, text: 'asked by phone' }),
  );
});

/** clamd, as far as it is needed: finds what says so. */
function clamd(socket: Socket): void {
  let heard = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    if (heard.includes('zPING\0')) socket.end('PONG\0');
    else if (heard.includes('zVERSION\0')) socket.end('ClamAV 1.4.3/1/x\0');
    else if (heard.subarray(-4).equals(Buffer.alloc(4)))
      socket.end(heard.includes('VIRUS') ? 'stream: Test.Virus FOUND\0' : 'stream: OK\0');
  });
}

test('where clamav is configured, release asks it anew: found and unreachable stay, clean goes', async () => {
  const service = await hostileService(clamd);
  const { gateway, config, folder } = await serving([`services: { clamav: { address: "127.0.0.1:${service.port}" } }`]);
  const clean = idOf(await send(gateway, 'Subject: clean\r\n\r\nhello\r\n', 'no'));
  const bad = idOf(await send(gateway, 'Subject: bad\r\n\r\nVIRUS\r\n', 'no'));
  const stays = await run(config, 'quarantine', 'release', bad);
  expect(stays).toMatchObject({ status: 1, out: '0 released\n' });
  expect(stays.err).toContain('scanned again: infected, Test.Virus');
  expect(await run(config, 'quarantine', 'release', clean)).toMatchObject({ status: 0, out: '1 released\n' });
  expect(await delivered(folder, 1)).toHaveLength(1);
  expect((await run(config, 'trace', clean)).out).toContain('scanned again: clean');
  expect((await run(config, 'trace', bad)).out).toMatch(/not_released.*scanned again: infected, Test\.Virus/);
});

test('a scanner that cannot be reached releases nothing, and says so', async () => {
  const { gateway, config } = await serving(['services: { clamav: { address: "127.0.0.1:1" } }']);
  const id = idOf(await send(gateway, 'Subject: x\r\n\r\nhello\r\n', 'no'));
  const { status, err } = await run(config, 'quarantine', 'release', id);
  expect(status).toBe(1);
  expect(err).toContain('could not be scanned again');
  expect(err).toContain('release it when the scanner answers');
  expect((await run(config, 'quarantine', 'list')).out).toContain(id);
});

test('a quarantine that is full defers what would be kept aside, takes the rest, and the record says why', async () => {
  const { gateway, config, folder } = await serving([
    'limits: { message: 64 KiB }',
    'quarantine: { max_size: 64 KiB }',
  ]);
  const large = `Subject: large\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(40)}`;
  expect(await send(gateway, large, 'no')).toMatch(/^250 /);
  const said = await send(gateway, large, 'yes', 'no');
  expect(said).toMatch(/^452 4\.3\.1 \(ref (\w+)\) no room to keep the message now, please try again/);
  expect(await send(gateway, large, 'yes')).toMatch(/^250 /);
  expect(await delivered(folder, 1)).toHaveLength(1);
  const { out } = await run(config, 'trace', /ref (\w+)/.exec(said)![1]!);
  expect(out).toContain('builtin:quarantine-full');
  const { quarantine } = JSON.parse((await run(config, 'status', '--json')).out);
  expect(quarantine).toEqual({ total: 1, classes: { spam: 1 }, octets: large.length, max_octets: 65_536 });
});

test('what is over is deleted when the gateway starts, with an event on its record', async () => {
  const first = await serving();
  const id = idOf(await send(first.gateway, 'Subject: old\r\n\r\nhello\r\n', 'no'));
  await first.gateway.stop();
  const later = Date.now() + 31 * 86_400_000;
  const gateway = await startGateway(first.config, { log: silentLog, clock: { ...systemClock, now: () => later } });
  onTestFinished(() => gateway.stop());
  let out = id;
  while (out.includes(id)) out = (await run(first.config, 'quarantine', 'list')).out;
  expect((await run(first.config, 'trace', id)).out).toMatch(/removed +\.1 +retention +its time is over: class spam/);
});
