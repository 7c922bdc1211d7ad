import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FLOW } from '../../../src/queue/flow.ts';
import { sayHost } from '../../../src/queue/host.ts';
import type { Route } from '../../../src/queue/route.ts';
import { from } from '../../support/entries.ts';
import { brief, delivery, host, MESSAGE, never, nobody, parcel, route } from '../../support/handing-over.ts';
import type { HostScript } from '../../support/scripted-host.ts';

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
    onTestFinished(() => rmSync(folder, { recursive: true }));
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
