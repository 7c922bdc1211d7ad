/** Session threads: what one promises another sends, a change holds in all or in none, and one that dies takes nothing promised along. */
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import type { Log } from '../../src/ports/log.ts';
import { ArrivalsHost } from '../support/arrivals-host.ts';
import { type InstallationFolder, installationFolder } from '../support/installation-folder.ts';
import { Line, sendLetters } from '../support/letter-clients.ts';
import type { Letter } from '../support/letters.ts';

const letter = (n: number): Letter => ({
  mark: `n${n}`,
  recipients: ['bob@mail.test'],
  size: n % 20 === 7 ? 80_000 : 300,
});

interface House {
  readonly at: InstallationFolder;
  readonly gateway: Gateway;
  readonly host: ArrivalsHost;
  readonly port: number;
  /** Resolves when the log has said it so often in all. */
  said(name: string, times?: number): Promise<void>;
}

async function house(policy?: string, files: { readonly [path: string]: string } = {}): Promise<House> {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  const at = installationFolder(
    [
      'domains: { mail.test: { route: store, recipients: any } }',
      `routes: { store: { hosts: ["127.0.0.1:${host.port}"], tls: none } }`,
      'log: { level: error }',
    ],
    policy === undefined ? undefined : { inbound: policy },
  );
  for (const [path, text] of Object.entries(files)) at.write(path, text);
  const names: string[] = [];
  let heard: (() => void)[] = [];
  const note = (name: string): void => {
    names.push(name);
    const waiting = heard;
    heard = [];
    for (const tell of waiting) tell();
  };
  const log: Log = { event: note, warn: note, error: note };
  const said = async (name: string, times = 1): Promise<void> => {
    while (names.filter((one) => one === name).length < times)
      await new Promise<void>((resolve) => {
        heard.push(resolve);
      });
  };
  const gateway = await startGateway(at.config, { log, threads: 2 });
  onTestFinished(() => gateway.stop());
  return { at, gateway, host, port: Number(gateway.addresses.mx!.split(':').at(-1)), said };
}

async function session(port: number): Promise<Line> {
  const line = new Line(port);
  onTestFinished(() => line.close());
  await line.replies(1);
  await line.say('EHLO client.test\r\n', 1);
  return line;
}

test('a thread that dies under load: service goes on, and all that got 250 arrives, once', async () => {
  const { gateway, host, port, said } = await house();
  const promised: string[] = [];
  let sent = 0;
  await sendLetters({
    connections: 8,
    where: async () => port,
    next: () => (sent < 400 ? letter(++sent) : undefined),
    promised: ({ letter: { mark } }) => {
      promised.push(mark);
      if (promised.length === 100 || promised.length === 200) void gateway.workers[0]!.terminate();
    },
    refused: (_, reply) => expect.unreachable(reply),
  });
  await said('session.thread.restarted', 2);
  // Letters in hand when a thread died got no answer; each connection had one at most.
  expect(promised.length).toBeGreaterThanOrEqual(400 - 2 * 8);
  const arrived = () => new Set(host.arrivals.map(({ mark }) => mark));
  await expect.poll(() => promised.filter((mark) => !arrived().has(mark)), { timeout: 15_000 }).toEqual([]);
  expect(host.arrivals.length).toBe(arrived().size);
  expect(host.arrivals.filter(({ whole }) => !whole)).toEqual([]);
  expect(gateway.workers).toHaveLength(2);
}, 60_000);

test('a thread that cannot be started any more ends the gateway, so that its successor tries', async () => {
  const { gateway, said } = await house();
  for (let deaths = 1; deaths <= 5; deaths++) {
    await gateway.workers[0]!.terminate();
    await said('session.thread.restarted', deaths);
  }
  await gateway.workers[0]!.terminate();
  expect((await gateway.broken).message).toMatch(/6 threads died within a minute/);
}, 60_000);

const refusing = (text: string) =>
  `policy: inbound\nchecks: {}\nrules:\n  rcpt:\n    - { name: closed, when: "true", reject: { code: 550, enhanced: 5.7.1, text: "${text}" } }\n`;
const RCPT = 'MAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@mail.test>\r\nRSET\r\n';

/** What new sessions are told; the kernel deals them out, so that a few meet every thread. */
async function told(port: number): Promise<ReadonlySet<string>> {
  const words = new Set<string>();
  for (let n = 0; n < 16; n++) {
    const line = await session(port);
    words.add(/(\S+)$/.exec((await line.say(RCPT, 3))[1]!)![1]!);
    line.close();
  }
  return words;
}

test('a reload holds in every thread, and a broken one in none', async () => {
  const { at, gateway, port } = await house(refusing('first'));
  expect(await told(port)).toEqual(new Set(['first']));
  at.write('policies/inbound.yaml', refusing('second'));
  expect(await gateway.reload()).toEqual([]);
  expect(await told(port)).toEqual(new Set(['second']));
  at.write('policies/inbound.yaml', refusing('third').replace('"true"', '"treu"'));
  expect(await gateway.reload()).toHaveLength(1);
  expect(await told(port)).toEqual(new Set(['second']));
});

test('a thread that is started anew holds what was in force, not what is being edited', async () => {
  const { at, gateway, port, said } = await house(refusing('first'));
  at.write('policies/inbound.yaml', refusing('half').replace('"true"', '"tr'));
  at.write('postern.yaml', 'hostname: [');
  for (let deaths = 1; deaths <= 2; deaths++) {
    await gateway.workers[0]!.terminate();
    await said('session.thread.restarted', deaths);
  }
  expect(await told(port)).toEqual(new Set(['first']));
});

test('a stop while a thread is started anew leaves none behind', async () => {
  const { gateway, port } = await house();
  const worker = gateway.workers[0]!;
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  void worker.terminate();
  await gone;
  await gateway.stop();
  expect(gateway.workers).toEqual([]);
  await expect(session(port)).rejects.toThrow();
});

test('a thread that cannot listen ends the start, and is not there afterwards', async () => {
  const at = installationFolder([
    'domains: { mail.test: { route: files, recipients: any } }',
    'routes: { files: { protocol: maildir, path: mail } }',
    'log: { level: error }',
  ]);
  // Standard input is no socket to listen on.
  const passed = () => new Map([['mx', [0]]]);
  await expect(startGateway(at.config, { log: silentLog, threads: 1, passed })).rejects.toThrow(/listener mx/);
});

test('a list that changes on disk is in force in every thread', async () => {
  const listed = refusing('listed')
    .replace('checks: {}', 'lists: { bad: { kind: domain, file: bad.txt } }\nchecks: {}')
    .replace('"true"', '"mail.domain in lists.bad"');
  const { at, port, said } = await house(listed, { 'policies/bad.txt': 'other.test\n' });
  expect(await told(port)).toEqual(new Set(['ok']));
  at.write('policies/bad.txt', 'sender.test\n');
  await said('lists.reloaded');
  // The main thread has it; the others were told and read it by themselves.
  await expect.poll(() => told(port)).toEqual(new Set(['listed']));
});

test('a rate is counted over all threads together', async () => {
  const policy = `policy: inbound
checks:
  mail:
    - rate: { key: mail.domain, limit: 10, window: 1h }
rules:
  rcpt:
    - { name: fast, when: "rate.exceeded", defer: { code: 450, enhanced: 4.7.1, text: "exceeded" } }
    - { name: slow, when: "true", defer: { code: 450, enhanced: 4.7.1, text: "below" } }
`;
  const { port } = await house(policy);
  const words: string[] = [];
  for (let n = 0; n < 16; n++) {
    const line = await session(port);
    words.push(/(\S+)$/.exec((await line.say(RCPT, 3))[1]!)![1]!);
    line.close();
  }
  expect(words).toEqual([...Array(10).fill('below'), ...Array(6).fill('exceeded')]);
});

test('recipients of a list that shrank too far stay known when a thread is started anew, and after a restart', async () => {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  const at = installationFolder([
    'domains: { mail.test: { route: store, recipients: { file: people.txt } } }',
    `routes: { store: { hosts: ["127.0.0.1:${host.port}"], tls: none } }`,
    'log: { level: error }',
  ]);
  const names = (count: number) => Array.from({ length: count }, (_, n) => `p${n}@mail.test\n`).join('');
  at.write('people.txt', names(100));
  const code = async (gateway: Gateway): Promise<string | undefined> => {
    const line = await session(Number(gateway.addresses.mx!.split(':').at(-1)));
    const said = await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<p99@mail.test>\r\n', 2);
    line.close();
    return said[1]?.slice(0, 3);
  };
  let stale = (): void => {};
  const isStale = new Promise<void>((resolve) => {
    stale = resolve;
  });
  let restarted = (): void => {};
  const isRestarted = new Promise<void>((resolve) => {
    restarted = resolve;
  });
  const note = (name: string): void => {
    if (name === 'recipients.stale') stale();
    if (name === 'session.thread.restarted') restarted();
  };
  const log: Log = { event: note, warn: note, error: note };
  const gateway = await startGateway(at.config, { log, threads: 1 });
  expect(await code(gateway)).toBe('250');
  at.write('people.txt', names(3));
  await isStale;
  await gateway.workers[0]!.terminate();
  await isRestarted;
  expect(await code(gateway)).toBe('250');
  await gateway.stop();
  const again = await startGateway(at.config, { log: silentLog, threads: 1 });
  onTestFinished(() => again.stop());
  expect(await code(again)).toBe('250');
});
