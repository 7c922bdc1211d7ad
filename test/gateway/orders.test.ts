/** What rules want done beside a message: done once, told once an hour, never by a rehearsal, and nothing left behind. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { suspensions } from '../../src/gateway/auth/suspension.ts';
import { carryOutOrders } from '../../src/gateway/orders.ts';
import type { SessionState } from '../../src/gateway/session-state.ts';
import type { TransactionState } from '../../src/gateway/transaction.ts';
import { hours, minutes } from '../../src/mail/time.ts';
import type { Order } from '../../src/policy/disposition.ts';
import { FakeClock } from '../support/clock.ts';
import { from, T0 } from '../support/entries.ts';
import { sampleId } from '../support/samples.ts';
import { installation } from '../support/sending.ts';

const suspend: Order = { kind: 'suspend', span: hours(4), by: 'rule:sudden' };
const notify: Order = { kind: 'notify', to: 'it@store.test', text: 'look', by: 'rule:sudden' };

interface Changes {
  readonly user?: string;
  readonly rehearsal?: object;
  readonly admit?: () => never;
  readonly defaultRoute?: string;
}

function session(changes: Changes = {}) {
  const state = new MemoryState();
  const kept = memoryStore();
  const clock = new FakeClock(T0);
  const logged: string[] = [];
  const freed: unknown[] = [];
  const note = (name: string) => void logged.push(name);
  const { user = 'alice', rehearsal, admit, defaultRoute = 'internet' } = changes;
  let drawn = 0;
  const discard: typeof kept.content.discard = async (content) => {
    freed.push(content);
    await kept.content.discard(content);
  };
  const s = {
    user,
    client: { ip: '192.0.2.1' },
    listener: { name: 'submission' },
    policy: { name: 'outbound', rules: [{ name: 'sudden', condition: 'rate.exceeded' }] },
    current: { installation: { ...installation, defaultRoute, postmaster: 'it@store.test' } },
    world: {
      ...{ state, clock, rehearsal, log: { event: note, warn: note, error: note } },
      newId: () => sampleId(clock.now(), ++drawn),
      content: { create: () => kept.content.create(), discard },
      queue: admit === undefined ? kept.queue : { admit },
    },
  } as unknown as SessionState;
  const orders = async (...all: readonly Order[]) => {
    const [first, ...others] = all.map((one) => ({ carry: { modifications: [one] } }));
    const recipients = others;
    const tx = { id: 'x', at: clock.now(), path: from('alice@store.test'), carry: first!.carry, recipients };
    await carryOutOrders(s, tx as unknown as TransactionState);
  };
  return { orders, state, kept, clock, logged, freed };
}

test('a user is suspended for as long as the rule says, with the rule and what it asked', async () => {
  const { orders, state } = session();
  await orders(suspend, suspend);
  expect(await suspensions(state, T0)).toMatchObject([
    { user: 'alice', since: T0, until: T0 + hours(4), by: 'rule:sudden', why: 'rate.exceeded', recordId: 'x' },
  ]);
});

test('where nobody logged in nobody is suspended', async () => {
  const { orders, state } = session({ user: '' });
  await orders(suspend);
  expect(await suspensions(state, T0)).toEqual([]);
});

test('what two rules order is done for both, and what one orders twice, once', async () => {
  const { orders, kept } = session();
  await orders(notify, notify, { ...notify, by: 'rule:other' });
  expect(await kept.queue.count({})).toBe(2);
});

test('somebody is told once an hour of one rule and user', async () => {
  const { orders, kept, clock } = session();
  const told = async () => {
    await orders(notify);
    return kept.queue.count({});
  };
  expect([await told(), await told()]).toEqual([1, 1]);
  clock.jump(T0 + minutes(61));
  expect(await told()).toBe(2);
});

test('nobody is told where no route leads, and nothing is written for them', async () => {
  const { orders, kept, logged } = session({ defaultRoute: '' });
  await orders({ ...notify, to: 'it@far.test' });
  expect([await kept.queue.count({}), logged]).toEqual([0, ['rule.notifies']]);
});

test('a rehearsal tells nobody, and says that it would', async () => {
  const { orders, kept, logged } = session({ rehearsal: {} });
  await orders(notify);
  expect([await kept.queue.count({}), logged]).toEqual([0, ['rule.notifies']]);
});

test('what the store does not take is said in the log, and its content is let go', async () => {
  const admit = () => {
    throw new Error('disk full');
  };
  const { orders, logged, freed } = session({ admit });
  await orders(notify);
  expect([freed.length, logged]).toEqual([1, ['rule.notifies', 'order.failed']]);
});
