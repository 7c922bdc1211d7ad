import { describe, expect, test } from 'vitest';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { brief, delivery, host, largeBody, never, parcel, route } from '../../support/handing-over.ts';
import type { HostScript } from '../../support/scripted-host.ts';

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
  /** Short where the host is silent, and nowhere else. */
  const waits = ({ greeting, MAIL, dot }: HostScript) => ({
    ...DEADLINES,
    ...(greeting === 'hang' ? { greeting: 100 } : {}),
    ...(MAIL === 'hang' ? { mail: 100 } : {}),
    ...(dot === 'hang' ? { final: 100 } : {}),
  });
  test.each(table)('%s', async (_, script, expected) => {
    const next = await host(script);
    expect(brief(await delivery(waits(script)).deliver(parcel(route(next), two), never))).toEqual(expected);
  });
  test.each(table)('%s, without PIPELINING', async (_, script, expected) => {
    const next = await host({ ...script, EHLO: '250 host.test' });
    expect(brief(await delivery(waits(script)).deliver(parcel(route(next), two), never))).toEqual(expected);
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
