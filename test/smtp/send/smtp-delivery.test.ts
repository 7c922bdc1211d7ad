import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import { FLOW } from '../../../src/queue/flow.ts';
import { sayHost } from '../../../src/queue/host.ts';
import type { HostAddress, Route } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming, from } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

const never = new AbortController().signal;
const MESSAGE = 'Subject: hello\r\n\r\nBody.\r\n';
const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript = {}, path?: string): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script, path);
  open.push(started);
  return started;
}

function delivery(deadlines = DEADLINES): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld(), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}

function route(...hosts: (ScriptedHost | HostAddress)[]): Route & { readonly kind: 'hosts' } {
  const addresses = hosts.map((one) => (one instanceof ScriptedHost ? one.address : one));
  return { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: addresses, tls: 'none', auth: null };
}

function parcel(
  to: Route,
  entries: readonly Partial<QueueEntry>[] = [{}],
  text = MESSAGE,
  encoding: BufferEncoding = 'latin1',
): Consignment {
  const octets = Buffer.from(text, encoding);
  return {
    route: to,
    entries: entries.map((changes, n) => anEntry({ id: `x.${n + 1}`, ...changes })),
    size: octets.length,
    async *open() {
      yield octets;
    },
  };
}

/** So many MiB in pieces of 64 KiB; waits for its turn between them, as the store's octets do. `asked` counts the pieces. */
function largeBody(mebibytes: number) {
  const line = `${'x'.repeat(62)}\r\n`;
  const piece = Buffer.from(`.${line.slice(1)}`.repeat(1024));
  const pieces = mebibytes * 16;
  const body = {
    asked: 0,
    piece,
    size: pieces * piece.length,
    async *open() {
      for (let n = 0; n < pieces; n++) {
        body.asked += 1;
        await new Promise((later) => setImmediate(later));
        yield piece;
      }
    },
  };
  return body;
}

/** Nothing listens there: the port was given back. */
async function nobody(): Promise<HostAddress> {
  const gone = await ScriptedHost.start();
  const { address } = gone;
  await gone.stop();
  return address;
}

const brief = (results: readonly AttemptResult[]) =>
  results.map((r) => ('reply' in r && r.reply !== null ? `${r.kind} ${r.reply.code}` : r.kind));

describe('a message over SMTP', () => {
  test('goes with MAIL, RCPT and DATA in one group and arrives octet for octet', async () => {
    const next = await host();
    const results = await delivery().deliver(parcel(route(next), [{}, { recipient: 'carol@store.test' }]), never);
    expect(results).toEqual([
      {
        kind: 'delivered',
        host: sayHost(next.address),
        reply: { code: 250, enhanced: '2.0.0', text: 'taken' },
        to: 'dsnRelay',
      },
      {
        kind: 'delivered',
        host: sayHost(next.address),
        reply: { code: 250, enhanced: '2.0.0', text: 'taken' },
        to: 'dsnRelay',
      },
    ]);
    expect(next.commands).toEqual([
      'EHLO mx.gateway.test',
      `MAIL FROM:<alice@sender.test> SIZE=${MESSAGE.length}`,
      'RCPT TO:<bob@store.test>',
      'RCPT TO:<carol@store.test>',
      'DATA',
    ]);
    expect(next.messages).toEqual([MESSAGE]);
  });

  test('uses the open line again', async () => {
    const next = await host();
    const out = delivery();
    for (let n = 0; n < 3; n++) await out.deliver(parcel(route(next)), never);
    expect([next.connections, next.messages.length]).toEqual([1, 3]);
  });

  test.each([
    [{ messages: 2, idle: 5000 }, 2],
    [{ messages: 1000, idle: 0 }, 3],
  ])('opens as many lines as the route wants for three messages: %j', async (reuse, lines) => {
    const next = await host();
    const out = delivery();
    const to = { ...route(next), flow: { ...FLOW, reuse } };
    for (let n = 0; n < 3; n++) await out.deliver(parcel(to), never);
    expect([next.connections, next.messages.length]).toEqual([lines, 3]);
  });

  test('opens a new line when the idle one was closed meanwhile', async () => {
    const next = await host({
      MAIL: (_, connection) => (connection === 1 && next.messages.length === 1 ? 'drop' : '250 ok'),
    });
    const out = delivery();
    await out.deliver(parcel(route(next)), never);
    expect(brief(await out.deliver(parcel(route(next)), never))).toEqual(['delivered 250']);
    expect(next.connections).toBe(2);
  });

  test('goes command by command without PIPELINING, and after HELO where EHLO is not known', async () => {
    const next = await host({ EHLO: '500 what?' });
    expect(brief(await delivery().deliver(parcel(route(next)), never))).toEqual(['delivered 250']);
    expect(next.commands).toEqual([
      'EHLO mx.gateway.test',
      'HELO mx.gateway.test',
      'MAIL FROM:<alice@sender.test>',
      'RCPT TO:<bob@store.test>',
      'DATA',
    ]);
  });

  test('carries the DSN wishes of each recipient, coded as xtext', async () => {
    const next = await host();
    const dsn = {
      notify: ['SUCCESS', 'FAILURE'] as const,
      orcpt: 'rfc822;bob+x@store.test',
      ret: 'HDRS' as const,
      envid: 'a=b c',
    };
    await delivery().deliver(parcel(route(next), [{ dsn, body: '8BITMIME' }, {}]), never);
    expect(next.commands.slice(1, 4)).toEqual([
      `MAIL FROM:<alice@sender.test> SIZE=${MESSAGE.length} BODY=8BITMIME RET=HDRS ENVID=a+3Db+20c`,
      'RCPT TO:<bob@store.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bx@store.test',
      'RCPT TO:<bob@store.test>',
    ]);
  });

  test('offers no parameter to a host that did not ask for it', async () => {
    const next = await host({ EHLO: '250 host.test' });
    const dsn = { notify: ['SUCCESS'] as const, orcpt: 'rfc822;b@c', ret: 'FULL' as const, envid: 'e' };
    const results = await delivery().deliver(parcel(route(next), [{ dsn, body: '8BITMIME' }]), never);
    expect(results).toMatchObject([{ kind: 'delivered', to: 'relay' }]);
    expect(next.commands.slice(1, 3)).toEqual(['MAIL FROM:<alice@sender.test>', 'RCPT TO:<bob@store.test>']);
  });

  test('the null reverse-path stays null', async () => {
    const next = await host();
    await delivery().deliver(parcel(route(next), [{ reversePath: from('') }]), never);
    expect(next.commands[1]).toMatch(/^MAIL FROM:<> /);
  });

  test.each([
    ['dots at line starts', '.\r\n..\r\na.\r\n.b\r\n', '..\r\n...\r\na.\r\n..b\r\n'],
    ['no final CRLF', 'a', 'a\r\n'],
    ['eight bits', 'gr\xfc\xdfe\r\n', 'gr\xfc\xdfe\r\n'],
    ['nothing', '', ''],
  ])('content with %s is stuffed and nothing else', async (_, text, sent) => {
    const next = await host();
    await delivery().deliver(parcel(route(next), [{}], text), never);
    expect(next.messages).toEqual([sent]);
  });

  test.each(['a\nb\r\n', 'a\rb\r\n', 'a\r\n.\n\r\n', 'a\r'])(
    'content with a lone CR or LF (%j) never leaves, and is not tried again or elsewhere',
    async (text) => {
      const [first, second] = [await host(), await host()];
      const out = delivery();
      await out.deliver(parcel(route(first)), never); // so that a line is open
      const results = await out.deliver(parcel(route(first, second), [{}], text), never);
      expect(results).toMatchObject([
        {
          kind: 'permanent',
          host: '',
          reply: { enhanced: '5.6.0', text: expect.stringContaining('must end with CRLF') },
        },
      ]);
      expect([first.connections, first.messages.length, second.connections]).toEqual([1, 1, 0]);
    },
  );
});

describe('what a host answers', () => {
  const two = [{}, { recipient: 'no@store.test' }] as const;
  const table: readonly [string, HostScript, readonly string[]][] = [
    [
      'a recipient refused for good, the other taken',
      { RCPT: (c) => (c.includes('no@') ? '550 5.1.1 no' : '250 ok') },
      ['delivered 250', 'permanent 550'],
    ],
    [
      'a recipient put off, the other taken',
      { RCPT: (c) => (c.includes('no@') ? '452 4.2.2 full' : '250 ok') },
      ['delivered 250', 'transient 452'],
    ],
    [
      'too many recipients, said as old servers do (RFC 5321 §4.5.3.1.10)',
      { RCPT: (c) => (c.includes('no@') ? '552 too many' : '250 ok') },
      ['delivered 250', 'transient 452'],
    ],
    [
      'the same with its enhanced code',
      { RCPT: (c) => (c.includes('no@') ? '552 5.5.3 too many' : '250 ok') },
      ['delivered 250', 'transient 452'],
    ],
    [
      'a full mailbox behind one that was taken',
      { RCPT: (c) => (c.includes('no@') ? '552 5.2.2 full' : '250 ok') },
      ['delivered 250', 'permanent 552'],
    ],
    ['552 to all: they cannot be too many', { RCPT: '552 no room' }, ['permanent 552', 'permanent 552']],
    ['all recipients refused, DATA refused', { RCPT: '550 5.1.1 no' }, ['permanent 550', 'permanent 550']],
    [
      'all recipients refused, DATA let through',
      { RCPT: '550 5.1.1 no', DATA: '354 go on', dot: '554 no recipients' },
      ['permanent 550', 'permanent 550'],
    ],
    ['the sender refused for good', { MAIL: '550 5.7.1 not you', RCPT: '503 no' }, ['permanent 550', 'permanent 550']],
    ['the sender put off', { MAIL: '451 4.3.0 later', RCPT: '503 no' }, ['transient 451', 'transient 451']],
    ['DATA refused for now', { DATA: '451 4.3.0 later' }, ['transient 451', 'transient 451']],
    ['the message refused for good', { dot: '554 5.7.1 spam' }, ['permanent 554', 'permanent 554']],
    ['the message put off', { dot: '451 4.3.0 later' }, ['transient 451', 'transient 451']],
    ['a drop at MAIL', { MAIL: 'drop' }, ['transient', 'transient']],
    ['a drop at RCPT', { RCPT: 'drop' }, ['transient', 'transient']],
    ['a drop at DATA', { DATA: 'drop' }, ['transient', 'transient']],
    ['a drop after the final dot', { dot: 'drop' }, ['indeterminate', 'indeterminate']],
    ['silence after the final dot', { dot: 'hang' }, ['indeterminate', 'indeterminate']],
    ['silence at MAIL', { MAIL: 'hang' }, ['transient', 'transient']],
    ['silence instead of a greeting', { greeting: 'hang' }, ['transient', 'transient']],
    ['a greeting that refuses for now', { greeting: '421 4.3.2 full' }, ['transient 421', 'transient 421']],
    [
      'a greeting that refuses for good is about the host, not the message',
      { greeting: '554 no' },
      ['transient 554', 'transient 554'],
    ],
    ['421 at MAIL', { MAIL: '421 4.3.2 going down', RCPT: 'drop' }, ['transient 421', 'transient 421']],
    ['what is no reply', { MAIL: 'hello?' }, ['transient', 'transient']],
    ['a reply without end', { MAIL: '250-a\r\n'.repeat(200) }, ['transient', 'transient']],
  ];
  const short = { ...DEADLINES, greeting: 100, hello: 100, mail: 100, rcpt: 100, data: 100, block: 100, final: 100 };
  test.each(table)('%s', async (_, script, expected) => {
    const next = await host(script);
    expect(brief(await delivery(short).deliver(parcel(route(next), two), never))).toEqual(expected);
  });
  test.each(table)('%s, without PIPELINING', async (_, script, expected) => {
    const next = await host({ ...script, EHLO: '250 host.test' });
    expect(brief(await delivery(short).deliver(parcel(route(next), two), never))).toEqual(expected);
  });

  test('a message that needs SMTPUTF8 is refused for good where it is not offered', async () => {
    const next = await host({ EHLO: '250-host.test\r\n250 PIPELINING' });
    const [address, header] = await Promise.all([
      delivery().deliver(parcel(route(next), [{ recipient: 'grüße@store.test', utf8: true }]), never),
      delivery().deliver(parcel(route(next), [{ utf8: true }], 'Subject: grüße\r\n\r\n', 'utf8'), never),
    ]);
    expect(brief([...address, ...header])).toEqual(['permanent 550', 'permanent 550']);
  });
  test('one that was declared SMTPUTF8 and needs it not goes without', async () => {
    const next = await host({ EHLO: '250-host.test\r\n250 PIPELINING' });
    expect(brief(await delivery().deliver(parcel(route(next), [{ utf8: true }]), never))).toEqual(['delivered 250']);
  });
  test('a UTF-8 address goes as it is where SMTPUTF8 is offered', async () => {
    const next = await host();
    await delivery().deliver(parcel(route(next), [{ recipient: 'grüße@store.test', utf8: true }]), never);
    expect(Buffer.from(next.commands.join('\n'), 'latin1').toString()).toContain(
      'SMTPUTF8\nRCPT TO:<grüße@store.test>',
    );
  });
  test('a message beyond the SIZE of the host is not tried', async () => {
    const next = await host({ EHLO: '250-host.test\r\n250 SIZE 10' });
    expect(brief(await delivery().deliver(parcel(route(next)), never))).toEqual(['permanent 552']);
    expect(next.commands).toEqual(['EHLO mx.gateway.test']);
  });
  describe.each([
    ['', {}],
    [', without PIPELINING', { EHLO: '250 host.test' }],
  ])('a host that takes no MAIL within a transaction%s', (_, keywords) => {
    const onlyFirst = (reply: string, then = '250 ok') => {
      let asked = 0;
      return () => (asked++ === 0 ? reply : then);
    };
    test.each<[string, HostScript, string]>([
      ['all recipients were refused', { RCPT: onlyFirst('550 no') }, 'permanent 550'],
      [
        'all recipients were refused and DATA let through',
        { RCPT: onlyFirst('550 no'), DATA: '354 go on' },
        'permanent 550',
      ],
      ['the sender was refused', { MAIL: onlyFirst('550 no'), DATA: '354 go on' }, 'permanent 550'],
      [
        'DATA was put off',

        { DATA: onlyFirst('451 later', '354 go on') },
        'transient 451',
      ],
      ['the message was refused', { dot: onlyFirst('554 spam') }, 'permanent 554'],
    ])('takes the next message over the same line when %s', async (_, script, expected) => {
      const next = await host({ ...script, ...keywords });
      const out = delivery();
      expect(brief(await out.deliver(parcel(route(next)), never))).toEqual([expected]);
      expect(brief(await out.deliver(parcel(route(next)), never))).toEqual(['delivered 250']);
      expect(next.connections).toBe(1);
    });
  });
  test.each<[string, NonNullable<HostScript['early']>, string]>([
    ['"too big"', { says: '552 5.3.4 too big', drop: false }, 'permanent 552'],
    ['"too big" and hangs up', { says: '552 5.3.4 too big', drop: true }, 'permanent 552'],
    ['"going down" and hangs up', { says: '421 4.3.2 going down', drop: true }, 'transient 421'],
    ['"taken" before it has all', { says: '250 ok', drop: false }, 'transient'],
  ])(
    'a host that says %s in the middle of the message is believed, and its line not used again',
    async (_, early, expected) => {
      const next = await host({ early });
      const out = delivery();
      const large = { ...parcel(route(next)), ...largeBody(8) };
      expect(brief(await out.deliver(large, never))).toEqual([expected]);
      expect(next.messages).toEqual([]);
      expect(brief(await out.deliver(parcel(route(next)), never))).toEqual(['delivered 250']);
      expect(next.connections).toBe(2);
    },
  );
});

describe('the hosts of a route', () => {
  test('the next one is asked when the first is not there, and first from then on', async () => {
    const second = await host();
    const both = route(await nobody(), second);
    const out = delivery();
    expect(brief(await out.deliver(parcel(both), never))).toEqual(['delivered 250']);
    expect(brief(await out.deliver(parcel(both), never))).toEqual(['delivered 250']);
    expect(second.connections).toBe(1);
  });
  test.each<[string, HostScript]>([
    ['greets with 421', { greeting: '421 busy' }],
    ['greets with 554', { greeting: '554 no' }],
    ['knows neither EHLO nor HELO', { EHLO: '550 no', HELO: '550 no' }],
    ['puts off the sender', { MAIL: '451 later' }],
    ['drops before the final dot', { DATA: 'drop' }],
    ['puts off the message', { dot: '451 later' }],
  ])('the next one is asked when the first %s', async (_, script) => {
    const [first, second] = [await host(script), await host()];
    expect(await delivery().deliver(parcel(route(first, second)), never)).toMatchObject([
      { kind: 'delivered', host: sayHost(second.address) },
    ]);
  });
  test.each<[string, HostScript, string]>([
    ['refuses for good', { dot: '554 no' }, 'permanent 554'],
    ['dropped after the final dot', { dot: 'drop' }, 'indeterminate'],
  ])('no other is asked when one %s', async (_, script, expected) => {
    const [first, second] = [await host(script), await host()];
    expect(brief(await delivery().deliver(parcel(route(first, second)), never))).toEqual([expected]);
    expect(second.connections).toBe(0);
  });
  test('only the recipients that are left go to the next one', async () => {
    const first = await host({ RCPT: (c) => (c.includes('later@') ? '451 later' : '250 ok') });
    const second = await host();
    const results = await delivery().deliver(
      parcel(route(first, second), [{}, { recipient: 'later@store.test' }]),
      never,
    );
    expect(results.map((r) => r.host)).toEqual([sayHost(first.address), sayHost(second.address)]);
    expect(second.commands.filter((c) => c.startsWith('RCPT'))).toEqual(['RCPT TO:<later@store.test>']);
  });
  test('a message whose line broke after the dot goes back to the same host alone', async () => {
    const [first, second] = [await host(), await host({ greeting: '421 busy' })];
    const last = { at: 0, host: sayHost(second.address), said: '', enhanced: '', onlyAt: sayHost(second.address) };
    expect(brief(await delivery().deliver(parcel(route(first, second), [{ last }]), never))).toEqual(['transient 421']);
    expect(first.connections).toBe(0);
  });
  test('an attempt that was stopped before it began says nothing, over an open line either', async () => {
    const next = await host();
    const out = delivery();
    await out.deliver(parcel(route(next)), never);
    expect(brief(await out.deliver(parcel(route(next)), AbortSignal.abort()))).toEqual(['transient']);
    expect([next.connections, next.messages.length]).toEqual([1, 1]);
  });
  test('stopping breaks off at once with a result', async () => {
    const next = await host({ MAIL: 'hang' });
    const stopper = new AbortController();
    const results = delivery().deliver(parcel(route(next)), stopper.signal);
    while (!next.commands.some((c) => c.startsWith('MAIL'))) await new Promise((r) => setImmediate(r));
    stopper.abort();
    expect(brief(await results)).toEqual(['transient']);
  });
});

describe('a message over LMTP', () => {
  test('has an answer for each recipient after the dot, over a unix socket too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lmtp-'));
    open.push({ stop: async () => rmSync(folder, { recursive: true }) });
    const next = await host(
      {
        lmtp: true,
        RCPT: (c) => (c.includes('no@') ? '550 no' : '250 ok'),
        dot: (c) => (c.includes('full@') ? '552 5.2.2 full' : '250 ok'),
      },
      join(folder, 'lmtp'),
    );
    const to: Route = { ...route(next), protocol: 'lmtp' };
    const results = await delivery().deliver(
      parcel(to, [{}, { recipient: 'no@store.test' }, { recipient: 'full@store.test' }, {}]),
      never,
    );
    expect(brief(results)).toEqual(['delivered 250', 'permanent 550', 'permanent 552', 'delivered 250']);
    expect(results[0]).toMatchObject({ host: `unix:${join(folder, 'lmtp')}`, to: 'mailbox' });
    expect(next.commands[0]).toBe('LHLO mx.gateway.test');
  });
  test('a line that breaks between the answers leaves the rest undetermined', async () => {
    const next = await host({ lmtp: true, dot: (c) => (c.includes('lost@') ? 'drop' : '250 ok') });
    const to: Route = { ...route(next), protocol: 'lmtp' };
    expect(brief(await delivery().deliver(parcel(to, [{}, { recipient: 'lost@store.test' }]), never))).toEqual([
      'delivered 250',
      'indeterminate',
    ]);
  });
});
