/** `deliver: cut_through`, over real sockets and session threads: the client waits for what the store says, and a refusal is told by one way only. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { SqliteStore } from '../../src/adapters/sqlite/open.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { recordView } from '../../src/record/view.ts';
import { installationFiles } from '../support/cut-through-house.ts';
import { postern } from '../support/gateway-process.ts';
import { Line } from '../support/letter-clients.ts';
import { type Says, ScriptedHost } from '../support/scripted-host.ts';
import { openStore } from '../support/store-folder.ts';

/** What the store answers to the message itself. */
let dot: () => Says = () => '250 2.0.0 taken';
const RCPT = (line: string): Says => {
  const name = /<(\w+)/.exec(line)?.[1] ?? '';
  if (name.startsWith('no')) return `550 5.1.1 nobody is ${name}`;
  return name.startsWith('later') ? '451 4.3.0 later' : '250 2.1.5 ok';
};

interface House {
  readonly gateway: Gateway;
  readonly config: string;
  readonly host: ScriptedHost;
  readonly plain: ScriptedHost;
  readonly store: SqliteStore;
  close(): Promise<void>;
}

async function house(threads: number, limit: string): Promise<House> {
  const [host, boxes, plain] = await Promise.all([
    ScriptedHost.start({ RCPT, dot: () => dot() }),
    ScriptedHost.start({ lmtp: true, dot: (line) => (line.includes('<no') ? '550 5.1.1 no box' : '250 2.1.5 kept') }),
    ScriptedHost.start({ RCPT }),
  ]);
  const files = installationFiles({ host, boxes, plain, limit });
  const gateway = await startGateway(files.config, { threads });
  // A visitor knows the days that there were when it came.
  const first = new Line(Number(gateway.addresses.mx!.split(':').at(-1)));
  await first.replies(1);
  await begin(first, ['bob@plain.test']);
  await first.replies(1);
  first.close();
  const store = await openStore(files.store, { mode: 'visit' });
  const close = async () => {
    await store.close();
    await Promise.all([host.stop(), boxes.stop(), plain.stop()]); // a silent one would be waited for
    await gateway.stop();
    files.remove();
  };
  return { gateway, config: files.config, host, plain, store, close };
}

async function greeted({ gateway }: House, listener = 'mx'): Promise<Line> {
  const line = new Line(Number(gateway.addresses[listener]!.split(':').at(-1)));
  await line.replies(1);
  await line.say('EHLO client.test\r\n', 1);
  return line;
}

/** All of a message but its answer. */
async function begin(line: Line, to: readonly string[], subject = 'x'): Promise<void> {
  await line.say('EHLO client.test\r\nMAIL FROM:<alice@sender.test>\r\n', 2);
  for (const one of to) await line.say(`RCPT TO:<${one}>\r\n`, 1);
  await line.say('DATA\r\n', 1);
  await line.say(`Subject: ${subject}\r\n\r\nBody.\r\n.\r\n`, 0);
}

async function send(at: House, to: readonly string[], { listener = 'mx', subject = 'x' } = {}): Promise<string> {
  const line = await greeted(at, listener);
  await begin(line, to, subject);
  const [reply] = await line.replies(1);
  line.close();
  return reply!;
}

/** Our id stands early in every answer. */
const idIn = (reply: string): string =>
  /^\d{3} \S+ (?:\(ref|queued as|delivered as) (\w{13})/.exec(reply)?.[1] ?? expect.unreachable(reply);
const kinds = async ({ store }: House, id: string) =>
  ((await store.records.get(id))?.events ?? []).map(({ kind, recipient }) => `${recipient} ${kind}`);
const ends = (at: House, id: string, ...expected: readonly string[]) =>
  expect.poll(async () => (await kinds(at, id)).sort(), { timeout: 5000 }).toEqual([...expected].sort());
/** The record is written first: the queue may be a moment behind what it tells. */
const queued = ({ store }: House, recordId: string, entries: readonly object[]) =>
  expect.poll(() => store.queue.list({ recordId }), { timeout: 5000 }).toMatchObject(entries);
const viewOf = async ({ store }: House, id: string) => {
  const { record, events } = (await store.records.get(id))!;
  return recordView(record, events, undefined);
};
const asideOf = async ({ store }: House, id: string) =>
  (await store.queue.quarantined({ recordId: id })).map(({ entry, reason }) => `${entry.recipient}: ${reason}`);

beforeEach(() => {
  dot = () => '250 2.0.0 taken';
});

describe.each([0, 2])('a message of which all goes by a route that cuts through (%i session threads)', (threads) => {
  let at: House;
  beforeAll(async () => {
    at = await house(threads, '60s');
  });
  afterAll(() => at.close());

  test('is answered in the words of the store that took it', async () => {
    const reply = await send(at, ['bob@store.test', 'carol@store.test']);
    expect(reply).toMatch(/^250 2\.0\.0 delivered as \w{13}: 250 2\.0\.0 taken$/);
    await ends(at, idIn(reply), '1 delivered', '2 delivered', '0 answered');
    expect(await viewOf(at, idIn(reply))).toMatchObject({
      replies: expect.arrayContaining([
        { to: 'content', reply: { text: expect.stringMatching(/^delivered as/), code: 250, enhanced: '2.0.0' } },
      ]),
      recipients: [{ outcome: 'queued', reply: { text: expect.stringMatching(/^delivered as/) } }, {}],
    });
  });

  test.each([['mx'], ['inside']])(
    'is refused to its client when the store does, and nobody else hears of it (%s)',
    async (listener) => {
      const before = at.plain.messages.length;
      const reply = await send(at, ['nobody@store.test'], { listener });
      expect(reply).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) nobody is nobody$/);
      const id = idIn(reply);
      await ends(at, id, '1 refused', '0 answered');
      await queued(at, id, []);
      expect(await asideOf(at, id)).toEqual([]);
      expect(await viewOf(at, id)).toMatchObject({
        recipients: [{ outcome: 'refused', verdict: 'accept', reply: { code: 550, enhanced: '5.1.1' } }],
      });
      expect(await at.store.records.search({ from: '', since: Date.now() - 1000 })).toEqual([]);
      expect(at.plain.messages.length).toBe(before);
    },
  );

  test('hears what was said to the whole message, with a code that fits there', async () => {
    dot = () => '530 log in first \x1b[31m';
    const reply = await send(at, ['bob@store.test']);
    expect(reply).toMatch(/^554 5\.0\.0 \(ref \w{13}\.1\) log in first \\x1b\[31m$/);
    await ends(at, idIn(reply), '1 refused', '0 answered');
  });

  test('by its last chunk too', async () => {
    const line = await greeted(at);
    await line.say('MAIL FROM:<alice@sender.test>\r\nRCPT TO:<nochunk@store.test>\r\n', 2);
    const [reply] = await line.say('BDAT 21 LAST\r\nSubject: x\r\n\r\nBody.\r\n', 1);
    expect(reply).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) nobody is nochunk$/);
    // The session goes on.
    expect(await line.say('MAIL FROM:<alice@sender.test>\r\nRSET\r\n', 2)).toEqual([
      '250 2.1.0 sender ok',
      expect.stringMatching(/^250 /),
    ]);
    line.close();
  });

  test('for several, all refused: one answer with what each was told', async () => {
    const reply = await send(at, ['noone@store.test', 'notwo@store.test']);
    expect(reply).toMatch(/^550 5\.1\.1 \(ref \w{13}\) nobody is noone; 550 5\.1\.1 nobody is notwo$/);
    await ends(at, idIn(reply), '1 refused', '2 refused', '0 answered');
  });

  test('some taken, some refused: 250, and a stranger is told nothing', async () => {
    const reply = await send(at, ['bob@store.test', 'nobody@store.test']);
    expect(reply).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(reply), '1 delivered', '2 quarantined');
    await expect.poll(() => asideOf(at, idIn(reply))).toEqual(['nobody@store.test: 550 5.1.1 nobody is nobody']);
  });

  test('some taken, some refused: 250, and a sender we know is told once', async () => {
    const reply = await send(at, ['bob@store.test', 'noone@store.test', 'notwo@store.test'], { listener: 'inside' });
    expect(reply).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(reply), '1 delivered', '2 bounced', '2 notified', '3 bounced', '3 notified');
    await expect.poll(() => at.plain.messages.filter((text) => text.includes('noone@store.test'))).toHaveLength(1);
  });

  test('by LMTP, each recipient its own', async () => {
    expect(await send(at, ['bob@boxes.test', 'carol@boxes.test'])).toMatch(
      /^250 2\.0\.0 delivered as \w{13}: 250 2\.1\.5 kept$/,
    );
    expect(await send(at, ['nobody@boxes.test'])).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) no box$/);
    const mixed = await send(at, ['bob@boxes.test', 'nobody@boxes.test']);
    expect(mixed).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(mixed), '1 delivered', '2 quarantined');
  });

  test('into a maildir', async () => {
    expect(await send(at, ['bob@files.test'])).toMatch(/^250 2\.0\.0 delivered as \w{13}: 250 /);
  });

  test('the store wants it later: 250, and the queue tries on', async () => {
    const reply = await send(at, ['later@store.test', 'nobody@store.test']);
    expect(reply).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(reply), '1 deferred', '2 quarantined');
    await queued(at, idIn(reply), [{ attempts: 1 }]);
  });

  test('the store hangs up after the message: 250, and the queue tries on', async () => {
    dot = () => 'drop';
    const reply = await send(at, ['bob@store.test']);
    expect(reply).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    dot = () => '250 2.0.0 taken';
    await ends(at, idIn(reply), '1 deferred', '1 delivered');
  });

  test('the store is not there, and is dead in the end: 250', async () => {
    for (let n = 0; n < 5; n++) expect(await send(at, ['bob@gone.test'])).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
  });

  test('who stands for several is refused when all of them are, and not before', async () => {
    const all = await send(at, ['nobodies@store.test']);
    expect(all).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) the mail server behind this one does not take it$/);
    await ends(at, idIn(all), '1 refused', '2 refused', '0 answered');
    expect(await viewOf(at, idIn(all))).toMatchObject({ recipients: [{ outcome: 'refused' }] });
    // The store's words would name whom the sender does not know.
    expect(await send(at, ['pair@store.test'])).toMatch(/^250 2\.0\.0 delivered as \w{13}$/);
    const some = await send(at, ['team@store.test']);
    expect(some).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(some), '1 delivered', '2 quarantined');
  });

  test('a copy goes its own way, whatever the store says', async () => {
    const reply = await send(at, ['nobody@store.test'], { subject: 'copy' });
    expect(reply).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) nobody is nobody$/);
    await ends(at, idIn(reply), '1 refused', '2 delivered', '0 answered');
  });

  test.each([
    ['another route', 'bob@plain.test', '2 delivered'],
    ['quarantine', 'spam@store.test', undefined],
    ['hold', 'hold@store.test', undefined],
    ['discard', 'discard@store.test', undefined],
  ])('where one recipient goes by %s, the client hears 250 at once', async (_, other, event) => {
    dot = () => 'hang';
    const reply = await send(at, ['bob@store.test', other]);
    expect(reply).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    if (event !== undefined) await ends(at, idIn(reply), event);
    at.host.hangUp();
    dot = () => '250 2.0.0 taken';
    const refused = await send(at, ['nobody@store.test', other]);
    expect(refused).toMatch(/^250 2\.0\.0 queued as \w{13}$/);
    await ends(at, idIn(refused), '1 quarantined', ...(event === undefined ? [] : [event]));
  });

  test.each([
    ['refuses', '550 5.7.1 not this', '1 quarantined'],
    ['takes it', '250 2.0.0 taken late', '1 delivered'],
  ])(
    'a client that leaves while it waits: what the store says then (%s) goes the way of the queue',
    async (_, says, end) => {
      dot = () => 'hang';
      const line = await greeted(at);
      const before = at.host.messages.length;
      await begin(line, ['bob@store.test'], `left ${end}`);
      await expect.poll(() => at.host.messages.length).toBe(before + 1);
      line.close();
      const id = idOf(at.host);
      await expect.poll(() => openAt(at), { timeout: 15_000 }).toBe(0);
      at.host.say(says);
      at.host.hangUp();
      await ends(at, id, end);
    },
  );
});

describe('a client waits no longer', () => {
  const own = async (limit = '60s') => {
    const at = await house(2, limit);
    onTestFinished(() => at.close());
    return at;
  };
  /** A client whose message the store has, and says nothing of. */
  const waiting = async (at: House): Promise<Line> => {
    dot = () => 'hang';
    const line = await greeted(at);
    const before = at.host.messages.length;
    await begin(line, ['bob@store.test']);
    await expect.poll(() => at.host.messages.length).toBe(before + 1);
    return line;
  };
  const QUEUED = /^250 2\.0\.0 queued as \w{13}$/;

  test('than its time, where the store is silent or its rate is full', async () => {
    const at = await own('1s');
    expect(await send(at, ['bob@slow.test'])).toMatch(/^250 2\.0\.0 delivered as/);
    expect(await send(at, ['bob@slow.test'])).toMatch(QUEUED);
    dot = () => 'hang';
    const reply = await send(at, ['bob@store.test']);
    expect(reply).toMatch(QUEUED);
    at.host.say('550 5.7.1 not this');
    await ends(at, idIn(reply), '1 quarantined');
  });

  test('where the route is suspended', async () => {
    const at = await own();
    expect(await postern('queue', 'suspend', '--route', 'store', '--why', 'test', '--config', at.config)).toMatchObject(
      { code: 0 },
    );
    // The running gateway sees it within two seconds.
    await expect.poll(() => send(at, ['bob@store.test']), { timeout: 10_000 }).toMatch(QUEUED);
  });

  test('when the gateway drains, and takes and waits again after that', async () => {
    const at = await own();
    const line = await waiting(at);
    const drained = postern('drain', '--config', at.config); // says no: something is left
    expect((await line.replies(1))[0]).toMatch(QUEUED);
    line.close();
    await drained;
    at.host.say('550 5.7.1 not this');
    at.host.hangUp();
    await ends(at, idOf(at.host), '1 quarantined');
    expect(await postern('drain', '--off', '--config', at.config)).toMatchObject({ code: 0 });
    dot = () => '550 5.7.1 not that either';
    expect(await send(at, ['bob@store.test'])).toMatch(/^550 5\.7\.1 \(ref/);
  });

  test('when the gateway stops', async () => {
    const at = await own();
    const line = await waiting(at);
    at.host.hangUp();
    const second = await waiting(at);
    const stopped = at.gateway.stop();
    expect((await second.replies(1))[0]).toMatch(QUEUED);
    expect((await line.replies(1))[0]).toMatch(QUEUED);
    at.host.hangUp();
    await stopped;
  });

  test('when its thread dies: what the store refuses then is kept for the postmaster', async () => {
    const at = await own();
    await waiting(at);
    const id = idOf(at.host);
    await Promise.all(at.gateway.workers.map((worker) => worker.terminate()));
    at.host.say('550 5.7.1 not this');
    await ends(at, id, '1 quarantined');
  });
});

/** Of the message that the store got last. */
const idOf = ({ messages }: ScriptedHost): string =>
  /by mx\.gateway\.test[\s\S]*? id (\w{13})/.exec(messages.at(-1)!)![1]!;

async function openAt({ config }: House): Promise<number> {
  const { out } = await postern('status', '--json', '--config', config);
  const { listeners } = JSON.parse(out) as { listeners: { sessions: number }[] };
  return listeners.reduce((sum, { sessions }) => sum + sessions, 0);
}
