/** Hosts that keep to the letter and wear us out all the same: a refused RSET, answers that come just in time. */
import { expect, test } from 'vitest';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { delivery, host, never, parcel, route } from '../../support/handing-over.ts';

test('a line on which RSET was refused is not used again: its next message would be the nested one', async () => {
  const next = await host({
    DATA: (_, line) => (line === 1 ? '451 4.3.0 later' : '354 go on'),
    RSET: '502 5.5.1 no',
  });
  const out = delivery();
  expect((await out.deliver(parcel(route(next)), never))[0]).toMatchObject({ kind: 'transient', reply: { code: 451 } });
  expect((await out.deliver(parcel(route(next)), never))[0]).toMatchObject({ kind: 'delivered' });
  expect(next.connections).toBe(2);
});

test('a host that answers each step just in time is left when it has had its time in all', async () => {
  const slow = await host({
    EHLO: '250 host.test',
    RCPT: () => {
      setTimeout(() => slow.say('250 2.1.5 ok'), 40);
      return '250-wait';
    },
  });
  const out = delivery({ ...DEADLINES, rcpt: 1000, talk: 300 });
  const many = Array.from({ length: 100 }, (_, n) => ({ recipient: `r${n}@store.test` }));
  const results = await out.deliver(parcel(route(slow), many), never);
  expect(results[99]).toMatchObject({ kind: 'transient', cause: 'it takes too long in all' });
  expect(slow.messages).toEqual([]);
});
