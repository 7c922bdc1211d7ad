/** A copy of the store made under load, and a gateway that serves from it elsewhere. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Manifest } from '../../src/ports/backup.ts';
import { ArrivalsHost } from '../support/arrivals-host.ts';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { sendLetters } from '../support/letter-clients.ts';
import type { Letter } from '../support/letters.ts';
import { openStore } from '../support/store-folder.ts';

const MESSAGES = 600;
/** Accepted before the backup begins; the rest comes while it is made. */
const BEFORE = 250;
const CONNECTIONS = 8;

const letter = (n: number): Letter => ({
  mark: `n${n}`,
  recipients: n % 10 === 3 ? ['bob@mail.test', 'carol@mail.test'] : ['bob@mail.test'],
  // One in twenty is too large for the database and lies in the spool.
  size: n % 20 === 7 ? 80_000 : 300,
});

/** `port` is the next hop's; 1: nobody is there. */
const elsewhere = (port: number, retry: string) =>
  installationFolder([
    'domains: { mail.test: { route: store, recipients: any } }',
    `routes: { store: { hosts: ["127.0.0.1:${port}"], tls: none } }`,
    `queue: { retry: [${retry}] }`,
  ]);

async function hop(): Promise<ArrivalsHost> {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  return host;
}

test('what was accepted before a backup began is in it, held; nothing is sent until a person says so, and then it arrives', async () => {
  const first = elsewhere(1, '1h');
  const gateway = new GatewayProcess(first.config);
  const port = await gateway.port();
  const promised: { id: string; letter: Letter; before: boolean }[] = [];
  let begun = false;
  let enough: () => void = () => {};
  const loaded = new Promise<void>((resolve) => {
    enough = resolve;
  });
  let n = 0;
  const sending = sendLetters({
    connections: CONNECTIONS,
    where: async () => port,
    next: () => (n < MESSAGES ? letter(n++) : undefined),
    promised: (one) => {
      promised.push({ ...one, before: !begun });
      if (promised.length === BEFORE) enough();
    },
    refused: (_, reply) => expect.unreachable(reply),
  });
  await loaded;
  begun = true;
  const copy = join(first.folder, 'copy');
  const made = await postern('backup', copy, '--json', '--config', first.config);
  expect(made).toMatchObject({ code: 0, err: '' });
  await sending;
  expect(promised.length).toBe(MESSAGES);
  expect(await postern('backup', copy, '--config', first.config)).toMatchObject({
    code: 1,
    err: expect.stringContaining('must be empty'),
  });
  gateway.signal('SIGTERM');
  await gateway.ended;

  const host = await hop();
  const second = elsewhere(host.port, '1s');
  expect(await postern('restore', copy, '--config', second.config)).toMatchObject({ code: 0, err: '' });
  const restored = new GatewayProcess(second.config);
  await restored.port();
  expect(await restored.heard('store.restored')).toMatchObject({
    node: 'mx1',
    remedy: expect.stringContaining('queue release'),
  });

  const before = promised.filter((one) => one.before);
  const visit = await openStore(second.store, { mode: 'visit' });
  const held = new Map((await visit.queue.list({ limit: 10_000 })).map((entry) => [entry.id, entry]));
  expect([...held.values()].filter(({ state }) => state.kind !== 'held')).toEqual([]);
  for (const {
    id,
    letter: { recipients },
  } of before) {
    for (const [at] of recipients.entries()) expect(held.has(`${id}.${at + 1}`)).toBe(true);
    const kept = await visit.records.get(id);
    expect(kept?.events.at(-1)).toMatchObject({ kind: 'held', by: 'backup' });
    expect(await visit.records.getBundle(kept!.record.bundle)).toBeDefined();
  }
  await visit.close();

  // A message of its own shows that the restored gateway sends; nothing of the copy has gone before it.
  const own: Letter = { mark: 'own', recipients: ['dave@mail.test'], size: 300 };
  const arrived = new Promise<void>((resolve) => {
    host.onMessage = (when) => when === 'confirmed' && resolve();
  });
  const more = [own];
  const secondPort = await restored.port();
  await sendLetters({
    connections: 1,
    where: async () => secondPort,
    next: () => more.pop(),
    promised: () => {},
    refused: (_, reply) => expect.unreachable(reply),
  });
  await arrived;
  expect(host.arrivals.map(({ recipient }) => recipient)).toEqual(['dave@mail.test']);

  const all = new Promise<void>((resolve) => {
    host.onMessage = () => host.arrivals.length === held.size + 1 && resolve();
  });
  const released = await postern('queue', 'release', '--reason', 'restored from the backup', '--config', second.config);
  expect(released).toMatchObject({ code: 0, out: `${held.size} released\n` });
  await all;
  const came = new Map<string, number>();
  for (const { mark, recipient, whole } of host.arrivals) {
    expect(whole).toBe(true);
    came.set(`${mark} ${recipient}`, (came.get(`${mark} ${recipient}`) ?? 0) + 1);
  }
  for (const { letter: one } of before)
    for (const recipient of one.recipients) expect(came.get(`${one.mark} ${recipient}`)).toBe(1);
});

test('while messages are delivered as it is made, each entry of the copy has its record and its content', async () => {
  const host = await hop();
  const at = elsewhere(host.port, '1s');
  const gateway = new GatewayProcess(at.config);
  const port = await gateway.port();
  let n = 0;
  let stop = false;
  let begin: () => void = () => {};
  const some = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const sending = sendLetters({
    connections: CONNECTIONS,
    where: async () => (stop ? undefined : port),
    // All of them large: every one has a file that goes while we copy.
    next: () => (stop || n > 20_000 ? undefined : { mark: `n${n++}`, recipients: ['bob@mail.test'], size: 70_000 }),
    promised: () => {
      if (n > 50) begin();
    },
    refused: (_, reply) => expect.unreachable(reply),
  });
  await some;
  const copy = join(at.folder, 'copy');
  const made = await postern('backup', copy, '--json', '--config', at.config);
  expect(made).toMatchObject({ code: 0, err: '' });
  stop = true;
  await sending;
  gateway.signal('SIGTERM');
  await gateway.ended;

  cpSync(copy, join(at.folder, 'looked-at'), { recursive: true });
  const store = await openStore(join(at.folder, 'looked-at'), { mode: 'visit' });
  for (const entry of await store.queue.list({ limit: 10_000 })) {
    expect((await store.records.get(entry.recordId))?.record.id).toBe(entry.recordId);
    let octets = 0;
    for await (const chunk of store.queue.read(entry.contentRef, AbortSignal.timeout(10_000))) octets += chunk.length;
    expect(octets).toBe(entry.contentSize);
  }
  await store.close();
  const { ended } = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8')) as Manifest;
  process.stdout.write(`backup among deliveries: ${ended.length} ended while it was made\n`);
});

test('a store at rest is backed up too; a copy that has changed is not restored, and a store in use is not written over', async () => {
  const at = elsewhere(1, '1h');
  const gateway = new GatewayProcess(at.config);
  await gateway.port();
  gateway.signal('SIGTERM');
  await gateway.ended;
  const copy = join(at.folder, 'copy');
  expect((await postern('backup', copy, '--config', at.config)).code).toBe(0);
  expect(readdirSync(at.folder).filter((name) => name.includes('unfinished'))).toEqual([]);
  expect(await postern('restore', copy, '--config', at.config)).toMatchObject({
    code: 1,
    err: expect.stringContaining('must be empty'),
  });

  const second = elsewhere(1, '1h');
  const [bundle] = readdirSync(join(copy, 'bundles'));
  writeFileSync(join(copy, 'bundles', bundle!), '{}');
  expect(await postern('restore', copy, '--config', second.config)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/bundles\/.* must be as it was copied: it has changed/),
  });
});
