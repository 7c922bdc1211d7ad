/** What a host offers is used, what it does not take is not forced on it, and another is asked that may. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { HostStrategy, HostsRoute } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';
import { spoiled } from '../../support/spoiled.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript = {}): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script);
  open.push(started);
  return started;
}
function delivery(random: () => number = () => 0): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld({ random }));
  open.push({ stop: () => made.close() });
  return made;
}
const route = (hosts: readonly ScriptedHost[], more: Partial<HostsRoute> = {}): HostsRoute => ({
  ...aTiming,
  kind: 'hosts',
  protocol: 'smtp',
  hosts: hosts.map(({ address }) => address),
  tls: 'none',
  auth: null,
  ...more,
});
function parcel(
  to: HostsRoute,
  pieces: readonly string[],
  entries: readonly Partial<QueueEntry>[] = [{}],
): Consignment {
  const octets = pieces.map((piece) => Buffer.from(piece, 'latin1'));
  return {
    route: to,
    entries: entries.map((changes, n) => anEntry({ id: `x.${n + 1}`, ...changes })),
    size: octets.reduce((sum, { length }) => sum + length, 0),
    async *open() {
      yield* octets;
    },
  };
}
const MESSAGE = ['Subject: x\r\n\r\nBody.\r\n'];
const brief = (results: readonly AttemptResult[]): string[] =>
  results.map((one) => ('reply' in one && one.reply !== null ? `${one.kind} ${one.reply.code}` : one.kind));
const verbs = ({ commands }: ScriptedHost): string[] =>
  commands.map((line) => line.replace(/ .*(LAST)$| .*/, ' $1').trim());
const users = (...names: readonly string[]) =>
  names.map((name) => ({ recipient: name, domain: name.slice(name.indexOf('@') + 1) }));

describe('CHUNKING', () => {
  const keywords = ['CHUNKING'];

  test('carries a message octet for octet, no dot doubled, each piece a chunk', async () => {
    const pieces = ['Subject: x\r\n\r\n.\r\n', '..b\r\nQUIT\r', '\nend'];
    const next = await host({ keywords });
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(['delivered 250']);
    expect(next.messages).toEqual([`${pieces.join('')}\r\n`]);
    expect(verbs(next)).toEqual(['EHLO', 'MAIL', 'RCPT', 'BDAT', 'BDAT', 'BDAT LAST']);
  });
  test('carries a large message whose pieces do not last', async () => {
    const next = await host({ keywords });
    const text = Array.from({ length: 40_000 }, (_, n) => `${n} ${'y'.repeat(90)}\r\n`).join('');
    const lengths = Array.from({ length: 1000 }, (_, n) => (n % 3) * 20_000 + 1);
    const open = () => spoiled(Buffer.from(text), [...lengths, text.length]);
    const whole = { ...parcel(route([next]), MESSAGE), size: text.length, open };
    expect(brief(await delivery().deliver(whole, never))).toEqual(['delivered 250']);
    expect(next.messages[0] === text).toBe(true);
  });
  test.each([
    ['with PIPELINING', undefined],
    ['without', '250-host.test\r\n250 CHUNKING'],
  ])('carries a hundred chunks %s, and the next message over the same line', async (_, EHLO) => {
    const next = await host({ keywords, ...(EHLO === undefined ? {} : { EHLO }) });
    const out = delivery();
    const pieces = Array.from({ length: 100 }, (_, n) => `.line ${n} ${'x'.repeat(1000)}\r\n`);
    for (let n = 0; n < 2; n++)
      expect(brief(await out.deliver(parcel(route([next]), pieces), never))).toEqual(['delivered 250']);
    expect([next.connections, next.messages]).toEqual([1, [pieces.join(''), pieces.join('')]]);
  });
  test.each<[string, HostScript, readonly string[]]>([
    ['a chunk refused for good', { BDAT: '552 5.3.4 too big' }, ['permanent 552']],
    ['a chunk put off', { BDAT: '452 4.3.1 no room' }, ['transient 452']],
    ['a line that breaks before the last chunk', { BDAT: 'drop' }, ['transient']],
    ['the message refused', { dot: '554 5.7.1 no' }, ['permanent 554']],
    ['a line that breaks after the last chunk', { dot: 'drop' }, ['indeterminate']],
  ])('%s', async (_, script, expected) => {
    const next = await host({ keywords, ...script });
    const pieces = Array.from({ length: 40 }, () => `${'x'.repeat(100)}\r\n`);
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(expected);
  });
  test('a line that breaks over a chunk when the last is out already leaves open what became of the message', async () => {
    const next = await host({ keywords, BDAT: 'drop' });
    const two = ['Subject: x\r\n\r\n', 'Body.\r\n'];
    expect(brief(await delivery().deliver(parcel(route([next]), two), never))).toEqual(['indeterminate']);
  });
  test('without PIPELINING a chunk waits for the answer to the one before (RFC 2920 §3.1)', async () => {
    const next = await host({ EHLO: '250-host.test\r\n250 CHUNKING', BDAT: '552 5.3.4 too big' });
    const pieces = Array.from({ length: 5 }, () => 'x\r\n');
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(['permanent 552']);
    expect(verbs(next).filter((verb) => verb.startsWith('BDAT'))).toEqual(['BDAT']);
  });
  test('one chunk that is refused is the end, whatever is said to those behind it', async () => {
    let heard = 0;
    const next = await host({ keywords, BDAT: () => (heard++ === 0 ? '552 5.3.4 too big' : '250 ok') });
    const pieces = Array.from({ length: 5 }, () => 'x\r\n');
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(['permanent 552']);
  });
  test('one of many chunks that is refused is heard before all are sent', async () => {
    const next = await host({ keywords, BDAT: '552 5.3.4 too big' });
    const pieces = Array.from({ length: 1000 }, () => `${'x'.repeat(100)}\r\n`);
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(['permanent 552']);
    expect(next.commands.length).toBeLessThan(100);
  });
  test('no content goes to a host that took no recipient', async () => {
    const next = await host({ keywords, RCPT: '550 no' });
    const out = delivery();
    for (let n = 0; n < 2; n++)
      expect(brief(await out.deliver(parcel(route([next]), MESSAGE), never))).toEqual(['permanent 550']);
    expect(verbs(next)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RSET', 'MAIL', 'RCPT', 'RSET']);
  });
  test('by LMTP each recipient has an answer of its own', async () => {
    const next = await host({ keywords, lmtp: true, dot: (to) => (to.includes('full@') ? '552 full' : '250 ok') });
    const to = route([next], { protocol: 'lmtp' });
    expect(brief(await delivery().deliver(parcel(to, MESSAGE, users('a@x.test', 'full@x.test')), never))).toEqual([
      'delivered 250',
      'permanent 552',
    ]);
  });
  test.each(['bare\nLF\r\n', 'bare\rCR\r\n'])('lets %j out no more than DATA does', async (text) => {
    const next = await host({ keywords });
    const pieces = ['Subject: x\r\n\r\n', text, 'more\r\n'];
    expect(brief(await delivery().deliver(parcel(route([next]), pieces), never))).toEqual(['permanent 554']);
    expect(next.messages).toEqual([]);
  });
});

describe('LIMITS', () => {
  const limited = (text: string, more: HostScript = {}) => host({ keywords: [`LIMITS ${text}`], ...more });

  test('RCPTMAX: so many recipients a transaction, all over one line', async () => {
    const next = await limited('RCPTMAX=2');
    const five = users('a@x.test', 'b@x.test', 'c@x.test', 'd@x.test', 'e@x.test');
    expect(brief(await delivery().deliver(parcel(route([next]), MESSAGE, five), never))).toEqual(
      five.map(() => 'delivered 250'),
    );
    expect([next.connections, next.messages.length]).toEqual([1, 3]);
    expect(verbs(next).join(' ')).toBe('EHLO MAIL RCPT RCPT DATA MAIL RCPT RCPT DATA MAIL RCPT DATA');
  });
  test('MAILMAX: so many messages a line', async () => {
    const next = await limited('MAILMAX=2');
    const out = delivery();
    for (let n = 0; n < 5; n++) await out.deliver(parcel(route([next]), MESSAGE), never);
    expect([next.connections, next.messages.length]).toEqual([3, 5]);
  });
  test('RCPTDOMAINMAX: another domain has another line, and the same one the same', async () => {
    const next = await limited('RCPTDOMAINMAX=1');
    const out = delivery();
    const mixed = users('a@x.test', 'b@x.test', 'c@y.test');
    expect(brief(await out.deliver(parcel(route([next]), MESSAGE, mixed), never))).toEqual(
      mixed.map(() => 'delivered 250'),
    );
    expect([next.connections, next.messages.length]).toEqual([2, 2]);
    await out.deliver(parcel(route([next]), MESSAGE, users('d@y.test')), never);
    expect(next.connections).toBe(2);
  });
  test('what is no number, none or unknown is no limit', async () => {
    const next = await limited('MAILMAX=0 RCPTMAX=many RCPTDOMAINMAX= WHATEVER=1 RCPTMAX');
    const out = delivery();
    for (let n = 0; n < 3; n++) await out.deliver(parcel(route([next]), MESSAGE, users('a@x.test', 'b@y.test')), never);
    expect([next.connections, next.messages.length]).toEqual([1, 3]);
  });
  test('a host that hangs up after the first transaction is not asked for the rest at once', async () => {
    const next = await limited('RCPTMAX=1', { MAIL: '421 4.3.2 later' });
    expect(
      brief(await delivery().deliver(parcel(route([next]), MESSAGE, users('a@x.test', 'b@x.test')), never)),
    ).toEqual(['transient 421', 'transient 421']);
    expect(next.connections).toBe(1);
  });
});

describe('a host that does not take what the message needs', () => {
  const bare = { EHLO: '250-host.test\r\n250 PIPELINING' };
  const eight = { body: '8BITMIME' } as const;
  const GREEK = ['Subject: x\r\n\r\n', 'gr\xfc\xdfe\r\n'];

  test('eight bits, and no host better: it bounces with 5.6.3', async () => {
    const next = await host(bare);
    expect(await delivery().deliver(parcel(route([next]), GREEK, [eight]), never)).toMatchObject([
      { kind: 'permanent', reply: { code: 554, enhanced: '5.6.3' } },
    ]);
    expect(verbs(next)).toEqual(['EHLO']);
  });
  test('eight bits that were only declared go', async () => {
    const next = await host(bare);
    expect(brief(await delivery().deliver(parcel(route([next]), MESSAGE, [eight]), never))).toEqual(['delivered 250']);
  });
  test.each<[string, readonly string[], Partial<QueueEntry>]>([
    ['8BITMIME', GREEK, eight],
    ['SMTPUTF8', MESSAGE, { utf8: true, recipient: 'grüße@store.test' }],
  ])('%s: the next one that does is asked', async (_, text, changes) => {
    const [first, second] = [await host(bare), await host()];
    expect(brief(await delivery().deliver(parcel(route([first, second]), text, [changes]), never))).toEqual([
      'delivered 250',
    ]);
    expect(second.messages).toHaveLength(1);
  });
  test.each<[string, readonly HostScript[]]>([
    ['after it', [bare, { MAIL: '451 later' }]],
    ['before it', [{ MAIL: '451 later' }, bare]],
  ])('and one %s that may, later: the message waits', async (_, scripts) => {
    const all = await Promise.all(scripts.map((script) => host(script)));
    expect(brief(await delivery().deliver(parcel(route(all), GREEK, [eight]), never))).toEqual(['transient 451']);
  });
});

describe('several hosts', () => {
  // An empty one is none: the end of a DATA that was let through though nobody was to have it.
  const counts = (hosts: readonly ScriptedHost[]) =>
    hosts.map(({ messages }) => messages.filter((text) => text !== '').length);
  const send = async (out: SmtpDelivery, to: HostsRoute, times: number) => {
    for (let n = 0; n < times; n++)
      expect(brief(await out.deliver(parcel(to, MESSAGE), never))).toEqual(['delivered 250']);
  };

  test('by turns each has its share, and one that puts off leaves its messages to the next', async () => {
    const all = [await host(), await host({ MAIL: '451 later' }), await host()];
    await send(delivery(), route(all, { strategy: { kind: 'roundRobin' } }), 9);
    expect(counts(all)).toEqual([3, 0, 6]);
  });
  test('by weights each is first as often as its weight says', async () => {
    const all = [await host(), await host()];
    let draw = 0;
    const strategy: HostStrategy = { kind: 'weighted', weights: [3, 1] };
    // Two draws a message: who is first, and who is second, of whom only one is left.
    await send(
      delivery(() => (Math.floor(draw++ / 2) % 8) / 8),
      route(all, { strategy }),
      8,
    );
    expect(counts(all)).toEqual([6, 2]);
  });
  test('are not spoken to from a family that the route does not name', async () => {
    const only = await host();
    const to = route([only], { source: { v6: '::1' } });
    expect(await delivery().deliver(parcel(to, MESSAGE), never)).toMatchObject([
      { kind: 'transient', cause: '127.0.0.1 has no address of the family that is spoken from' },
    ]);
    expect(only.connections).toBe(0);
  });
  test('that all put it off leave it to the fallback', async () => {
    const all = [await host({ MAIL: '451 later' }), await host({ greeting: '421 busy' })];
    const relay = await host();
    await send(delivery(), route(all, { fallback: [relay.address] }), 1);
    expect(counts([...all, relay])).toEqual([0, 0, 1]);
  });
});
