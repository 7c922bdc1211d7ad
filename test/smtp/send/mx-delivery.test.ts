/** Delivery by MX over real sockets, each host at an address of its own, found by our own client in real DNS messages. */
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { DnsClient } from '../../../src/adapters/dns/client.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { MxRoute } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { servedZones } from '../../support/dns-zones.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { quiet } from '../../support/gateway.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

/** One host an address from 127.0.0.2 on, all at one port; `null`: nobody is there. */
async function hosts(...scripts: readonly (HostScript | null)[]): Promise<{ port: number; at: ScriptedHost[] }> {
  for (;;) {
    const at: ScriptedHost[] = [];
    try {
      let port = 0;
      for (const [n, script] of scripts.entries()) {
        const host = await ScriptedHost.start(script ?? {}, { host: `127.0.0.${n + 2}`, port });
        at.push(host);
        const { address } = host;
        if (address.kind === 'tcp') port = address.port;
        if (script === null) await host.stop();
      }
      open.push(...at.filter((_, n) => scripts[n] !== null));
      return { port, at };
    } catch (error) {
      // Another program has that port at one of these addresses.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      for (const one of at) await one.stop();
    }
  }
}

/** `to.test` with the exchanges m2.test, m3.test and so on, at 127.0.0.2 and so on, in the order of their preference. */
const zones = (count: number, more: Zones = {}): Zones => ({
  'to.test': Array.from({ length: count }, (_, n) => ({ MX: [10 * (n + 1), `m${n + 2}.test`] })),
  ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n + 2}.test`, [{ A: `127.0.0.${n + 2}` }]])),
  ...more,
});

async function delivery(served: Zones) {
  const dns = await servedZones(served);
  const resolver = new DnsClient({ servers: [dns.server], timeout: 500, elapsed: systemClock.elapsed, log: quiet });
  const out = new SmtpDelivery(sendWorld({ resolver }));
  open.push({ stop: () => dns.close() }, { stop: () => resolver.close() }, { stop: () => out.close() });
  return { out, dns };
}

const route = (port: number, more: Partial<MxRoute> = {}): MxRoute => ({
  ...aTiming,
  kind: 'mx',
  port,
  tls: 'none',
  ...more,
});

function parcel(
  to: MxRoute,
  entries: readonly Partial<QueueEntry>[] = [{}],
  text = 'Subject: x\r\n\r\nBody.\r\n',
): Consignment {
  const octets = Buffer.from(text);
  return {
    route: to,
    entries: entries.map((changes, n) =>
      anEntry({ id: `x.${n + 1}`, recipient: 'bob@to.test', domain: 'to.test', ...changes }),
    ),
    size: octets.length,
    async *open() {
      yield octets;
    },
  };
}

const brief = (results: readonly AttemptResult[]): string[] =>
  results.map((one) => {
    const said = 'reply' in one && one.reply !== null ? ` ${one.reply.code}` : '';
    return `${one.kind}${said} ${one.host.replace(/:\d+$/, '')}`.trim();
  });
/** Messages each was given. */
const taken = (at: readonly ScriptedHost[]): number[] => at.map(({ messages }) => messages.length);

describe('an exchange that', () => {
  test.each<[string, HostScript | null]>([
    ['is not there', null],
    ['greets with 421', { greeting: '421 4.3.2 busy' }],
    ['greets with 554', { greeting: '554 5.3.2 no mail here' }],
    ['answers 450', { RCPT: '450 4.2.0 later' }],
    ['drops before the dot', { DATA: 'drop' }],
    ['answers nonsense', { MAIL: 'what do you mean?' }],
    ['takes no message of this size', { EHLO: '250-host.test\r\n250 SIZE 5' }],
  ])('%s is followed by the next one', async (_, script) => {
    const { port, at } = await hosts(script, {});
    const { out } = await delivery(zones(2));
    expect(brief(await out.deliver(parcel(route(port)), never))).toEqual(['delivered 250 m3.test[127.0.0.3]']);
    expect(at[1]!.messages).toHaveLength(1);
  });

  test('refuses for good is the last word', async () => {
    const { port, at } = await hosts({ RCPT: '550 5.1.1 nobody' }, {});
    const { out } = await delivery(zones(2));
    expect(brief(await out.deliver(parcel(route(port)), never))).toEqual(['permanent 550 m2.test[127.0.0.2]']);
    expect(at[1]!.connections).toBe(0);
  });

  test('puts off one recipient and refuses another leaves the first to the next one', async () => {
    const RCPT = (line: string) => (/later@/.test(line) ? '450 later' : /no@/.test(line) ? '550 no' : '250 ok');
    const { port, at } = await hosts({ RCPT }, {});
    const { out } = await delivery(zones(2));
    const three = ['bob', 'later', 'no'].map((user) => ({ recipient: `${user}@to.test` }));
    expect(brief(await out.deliver(parcel(route(port), three), never))).toEqual([
      'delivered 250 m2.test[127.0.0.2]',
      'delivered 250 m3.test[127.0.0.3]',
      'permanent 550 m2.test[127.0.0.2]',
    ]);
    expect(at[1]!.commands.filter((line) => line.startsWith('RCPT'))).toEqual(['RCPT TO:<later@to.test>']);
  });

  test('loses the line after the dot is asked again, and no other', async () => {
    let heard = 0;
    const { port, at } = await hosts({}, { dot: () => (heard++ === 0 ? 'drop' : '250 2.0.0 taken') }, {});
    const served = zones(3, {
      'to.test': [{ MX: [10, 'gone.test'] }, { MX: [20, 'm3.test'] }, { MX: [30, 'm4.test'] }],
    });
    const { out } = await delivery(served);
    const [lost] = await out.deliver(parcel(route(port)), never);
    expect(lost).toMatchObject({ kind: 'indeterminate', host: `m3.test[127.0.0.3]:${port}` });
    const last = { at: 0, host: lost!.host, said: '', enhanced: '', onlyAt: lost!.host };
    expect(brief(await out.deliver(parcel(route(port), [{ last }]), never))).toEqual([
      'delivered 250 m3.test[127.0.0.3]',
    ]);
    expect(taken(at)).toEqual([0, 2, 0]);
  });

  test('was not there is asked after the others for a while', async () => {
    const { port, at } = await hosts(null, {});
    const { out } = await delivery(zones(2));
    for (let n = 0; n < 3; n++) await out.deliver(parcel(route(port)), never);
    expect([at[1]!.connections, at[1]!.messages.length]).toEqual([1, 3]);
  });
});

describe('an attempt', () => {
  test('ends when four exchanges have put the message off', async () => {
    const { port, at } = await hosts(...Array.from({ length: 6 }, () => ({ RCPT: '450 later' })));
    const { out } = await delivery(zones(6));
    expect(brief(await out.deliver(parcel(route(port)), never))).toEqual(['transient 450 m5.test[127.0.0.5]']);
    expect(at.map(({ connections }) => connections)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test.each<[string, string, Zones]>([
    ['SERVFAIL for the MX', 'transient 451', { 'to.test': ['SERVFAIL'] }],
    ['silence for the MX', 'transient 451', { 'to.test': ['TIMEOUT'] }],
    ['SERVFAIL for the only address', 'transient 451', { 'm2.test': ['SERVFAIL'] }],
    ['no MX and no address', 'permanent 550', { 'to.test': [{ TXT: 'x' }] }],
    ['null MX', 'permanent 556', { 'to.test': [{ MX: [0, '.'] }] }],
    ['our own name as the only MX', 'permanent 554', { 'to.test': [{ MX: [0, 'mx.gateway.test'] }] }],
  ])('that meets %s in DNS is %s', async (_, expected, served) => {
    const { port, at } = await hosts({});
    const { out } = await delivery(zones(1, served));
    expect(brief(await out.deliver(parcel(route(port)), never))).toEqual([expected]);
    expect(at[0]!.connections).toBe(0);
  });

  test('to a domain that is not there bounces with 5.1.2', async () => {
    const { out } = await delivery({});
    expect(await out.deliver(parcel(route(25)), never)).toEqual([
      { kind: 'permanent', host: '', reply: { code: 550, enhanced: '5.1.2', text: 'there is no domain to.test' } },
    ]);
  });

  test('asks an address literal itself', async () => {
    const { port, at } = await hosts({});
    const { out, dns } = await delivery({});
    const to = { recipient: 'bob@[127.0.0.2]', domain: '[127.0.0.2]' };
    expect(brief(await out.deliver(parcel(route(port), [to]), never))).toEqual(['delivered 250 [127.0.0.2]']);
    expect([at[0]!.messages.length, dns.asked.length]).toEqual([1, 0]);
  });

  test('with recipients of several domains asks the hosts of each', async () => {
    const { port, at } = await hosts({}, {});
    const { out } = await delivery(
      zones(1, { 'other.test': [{ MX: [10, 'm3.test'] }], 'm3.test': [{ A: '127.0.0.3' }] }),
    );
    const entries = [
      {},
      { recipient: 'eve@other.test', domain: 'other.test' },
      { recipient: 'x@no.test', domain: 'no.test' },
    ];
    expect(brief(await out.deliver(parcel(route(port), entries), never))).toEqual([
      'delivered 250 m2.test[127.0.0.2]',
      'delivered 250 m3.test[127.0.0.3]',
      'permanent 550',
    ]);
    expect(taken(at)).toEqual([1, 1]);
  });
});

describe('a fallback relay', () => {
  const relayed = async (script: HostScript | null, served: Zones) => {
    const { port, at } = await hosts(script, {});
    const fallback = [{ kind: 'tcp', host: '127.0.0.3', port }] as const;
    const { out } = await delivery(zones(1, served));
    return { results: brief(await out.deliver(parcel(route(port, { fallback })), never)), relay: at[1]! };
  };
  test.each<[string, HostScript | null, Zones]>([
    ['nobody is there', null, {}],
    ['all put the message off', { dot: '451 later' }, {}],
    ['DNS does not answer', {}, { 'to.test': ['SERVFAIL'] }],
  ])('takes the message when %s', async (_, script, served) => {
    expect((await relayed(script, served)).results).toEqual(['delivered 250 127.0.0.3']);
  });
  test.each<[string, HostScript | null, Zones, string]>([
    ['an exchange refuses', { RCPT: '550 no' }, {}, 'permanent 550 m2.test[127.0.0.2]'],
    ['the domain takes no mail', {}, { 'to.test': [{ MX: [0, '.'] }] }, 'permanent 556'],
    ['an exchange may have it already', { dot: 'drop' }, {}, 'indeterminate m2.test[127.0.0.2]'],
  ])('is not asked when %s', async (_, script, served, expected) => {
    const { results, relay } = await relayed(script, served);
    expect(results).toEqual([expected]);
    expect(relay.connections).toBe(0);
  });
  test('that lost the line after the dot is asked again, and no other', async () => {
    const { port, at } = await hosts({}, {});
    const fallback = [{ kind: 'tcp', host: '127.0.0.3', port }] as const;
    const { out } = await delivery(zones(1));
    const last = { at: 0, host: '', said: '', enhanced: '', onlyAt: `127.0.0.3:${port}` };
    await out.deliver(parcel(route(port, { fallback }), [{ last }]), never);
    expect(taken(at)).toEqual([0, 1]);
  });
});

test('a route speaks from the address it names, and not at all to a family it names none of', async () => {
  const seen: (string | undefined)[] = [];
  const spy = createServer((socket) => {
    seen.push(socket.remoteAddress);
    socket.destroy();
  });
  await new Promise<void>((done) => spy.listen(0, '127.0.0.2', done));
  open.push({ stop: () => new Promise((done) => spy.close(() => done())) });
  const { port } = spy.address() as AddressInfo;
  const { out } = await delivery(zones(1));
  await out.deliver(parcel(route(port, { source: { v4: '127.0.0.77' } })), never);
  expect(brief(await out.deliver(parcel(route(port, { source: { v6: '::1' } })), never))).toEqual(['transient 451']);
  expect(seen).toEqual(['127.0.0.77']);
});
