/** What is said, and not said, to a host once it has answered: nothing after it hangs up, a goodbye, no second guess. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { Route } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { Down } from '../../../src/smtp/send/down.ts';
import type { Peer } from '../../../src/smtp/send/peer.ts';
import { nextPortion } from '../../../src/smtp/send/portions.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { FakeClock } from '../../support/clock.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

/** As soon as it comes; a machine that is busy is no fault. */
const SOON = { timeout: 20_000 };
const never = new AbortController().signal;
const MESSAGE = 'Subject: x\r\n\r\nBody.\r\n';
const PLAIN = '250-host.test\r\n250 SIZE 23';
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script);
  open.push(started);
  return started;
}
function delivery(deadlines = DEADLINES): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld(), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}
type HostsRoute = Route & { readonly kind: 'hosts' };
const route = (one: ScriptedHost, changes: Partial<HostsRoute> = {}): HostsRoute => ({
  ...{ ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [one.address], tls: 'none', auth: null },
  ...changes,
});
function parcel(to: Route, more: Partial<QueueEntry> = {}, body?: Consignment['open']): Consignment {
  return {
    route: to,
    entries: [anEntry(more)],
    size: MESSAGE.length,
    open:
      body ??
      async function* () {
        yield Buffer.from(MESSAGE);
      },
  };
}
const brief = ([one]: readonly AttemptResult[]): string =>
  one !== undefined && 'reply' in one && one.reply !== null ? `${one.kind} ${one.reply.code}` : `${one?.kind}`;
const verbs = ({ commands }: ScriptedHost): string[] => commands.map((line) => line.split(' ')[0]!);
const said = (one: ScriptedHost, count: number) => expect.poll(() => verbs(one).length, SOON).toBe(count);

test.each<[string, HostScript, string, readonly string[]]>([
  ['greets with 250', { greeting: '250 hello' }, 'transient 250', ['QUIT']],
  ['does not know us now', { EHLO: '451 4.3.0 later' }, 'transient 451', ['EHLO', 'QUIT']],
  ['refuses MAIL', { EHLO: PLAIN, MAIL: '550 no' }, 'permanent 550', ['EHLO', 'MAIL']],
  [
    'answers RCPT as if it were DATA',
    { EHLO: PLAIN, RCPT: '354 go on' },
    'transient 451',
    ['EHLO', 'MAIL', 'RCPT', 'RSET'],
  ],
  [
    'hangs up at DATA',
    { EHLO: PLAIN, DATA: '421 4.3.2 bye' },
    'transient 421',
    ['EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT'],
  ],
  ['takes exactly so much', { EHLO: PLAIN }, 'delivered 250', ['EHLO', 'MAIL', 'RCPT', 'DATA']],
])('a host that %s hears no more than this', async (_, script, result, heard) => {
  const next = await host(script);
  expect(brief(await delivery().deliver(parcel(route(next)), never))).toBe(result);
  await said(next, heard.length);
  expect(verbs(next)).toEqual(heard);
});

test('by LMTP there is no HELO where LHLO is not known (RFC 2033 §4.1)', async () => {
  const next = await host({ lmtp: true, EHLO: '500 what?' });
  expect(brief(await delivery().deliver(parcel(route(next, { protocol: 'lmtp' })), never))).toBe('transient 500');
  await said(next, 2);
  expect(verbs(next)).toEqual(['LHLO', 'QUIT']);
});

test('a line over which 421 was said is not used again, though the host keeps it open', async () => {
  let first = true;
  const next = await host({
    dot: () => {
      const says = first ? '421 4.3.2 going down' : '250 ok';
      first = false;
      return says;
    },
  });
  const out = delivery();
  expect(brief(await out.deliver(parcel(route(next)), never))).toBe('transient 421');
  expect(brief(await out.deliver(parcel(route(next)), never))).toBe('delivered 250');
  expect(next.connections).toBe(2);
});

test('a host that takes one message a session, or one domain, is told goodbye when it has had it', async () => {
  for (const limit of ['LIMITS MAILMAX=1', 'LIMITS RCPTDOMAINMAX=1']) {
    const next = await host({ keywords: [limit] });
    const out = delivery();
    await out.deliver(parcel(route(next)), never);
    if (limit.includes('DOMAIN')) await out.deliver(parcel(route(next), { domain: 'b.test' }), never);
    await expect.poll(() => verbs(next).filter((verb) => verb === 'QUIT').length, SOON).toBe(1);
  }
});

test('a line that had as many messages as its host takes in a session takes no more (RFC 9422 §4.1)', () => {
  const limits = { mail: 2, rcpt: Number.POSITIVE_INFINITY, rcptDomains: Number.POSITIVE_INFINITY };
  const after = (messages: number) =>
    nextPortion({ messages, domains: new Set(), can: { limits } } as unknown as Peer, [{ domain: 'a.test' }]).length;
  expect([after(0), after(1), after(2)]).toEqual([1, 1, 0]);
});

test('routes to the same host have lines of their own', async () => {
  const next = await host({});
  const out = delivery();
  for (const name of ['one', 'two', 'one']) await out.deliver(parcel(route(next, { name })), never);
  expect(next.connections).toBe(2);
});

test('a line that was opened from one address is not used from another', async () => {
  const next = await host({});
  const out = delivery();
  await out.deliver(parcel(route(next, { source: { v4: '127.0.0.1' } })), never);
  await out.deliver(parcel(route(next, { source: { v4: '127.0.0.2' } })), never);
  await out.deliver(parcel(route(next, { source: { v4: '127.0.0.2' } })), never);
  expect(next.connections).toBe(2);
});

test('the content that was opened is closed, whatever the host says', async () => {
  const next = await host({ MAIL: '550 no' });
  let closed = false;
  const body = async function* () {
    try {
      yield Buffer.from(MESSAGE);
    } finally {
      closed = true;
    }
  };
  await delivery().deliver(parcel(route(next), {}, body), never);
  expect(closed).toBe(true);
});

test('a host that stopped for a moment and took on may take its time for the whole', async () => {
  const next = await host({ deaf: true });
  const piece = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1024));
  let reached: () => void = () => {};
  let goOn: () => void = () => {};
  const atEnd = new Promise<void>((resolve) => (reached = resolve));
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const body = async function* () {
    for (let n = 0; n < 512; n++) yield piece; // more than a socket holds
    reached();
    await gate;
    yield piece;
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const sent = delivery().deliver(parcel(route(next), {}, body), never);
    await expect.poll(() => verbs(next), SOON).toContain('DATA');
    next.readOn();
    await atEnd;
    vi.advanceTimersByTime(2 * DEADLINES.block); // longer than it may stop for
    goOn();
    expect(brief(await sent)).toBe('delivered 250');
  } finally {
    vi.useRealTimers();
  }
});

test('an attempt that we stop is not the host’s fault', async () => {
  const next = await host({ greeting: 'hang' });
  const other = await host({});
  const both = route(next, { hosts: [next.address, other.address] });
  const out = delivery();
  const stop = new AbortController();
  const going = out.deliver(parcel(both), stop.signal);
  await expect.poll(() => next.connections, SOON).toBe(1);
  stop.abort();
  await going;
  const again = new AbortController();
  void out.deliver(parcel(both), again.signal);
  await expect.poll(() => next.connections, SOON).toBe(2);
  again.abort();
});

test('of hosts that are down the oldest are forgotten, and so are those that came back', () => {
  const down = new Down(new FakeClock());
  for (let n = 0; n <= 10_000; n++) down.missed(`h${n}`);
  expect([down.is('h0'), down.is('h1'), down.is('h10000')]).toEqual([false, true, true]);
  down.reached('h1');
  expect(down.is('h1')).toBe(false);
});
