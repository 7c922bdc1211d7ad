/** What a dispatcher knows of suspensions: how old it may be, which are in force, and what each keeps an entry from. */
import { expect, test } from 'vitest';
import { KnownSuspensions, SUSPENDED_AGAIN } from '../../src/gateway/known-suspensions.ts';
import { hours, seconds } from '../../src/mail/time.ts';
import type { Suspendable, Suspension } from '../../src/queue/suspension.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry, T0 } from '../support/entries.ts';

const about = (of: Suspendable, value: string, until: number | null = null): Suspension => ({
  ...{ id: `${of} ${value}`, of, value, since: T0, until, by: 'olga', why: '' },
});

function bench(...kept: readonly Suspension[]) {
  const clock = new FakeClock(T0);
  const store = { kept, asked: 0 };
  const suspensions = async () => {
    store.asked += 1;
    return store.kept;
  };
  return { clock, store, known: new KnownSuspensions({ suspensions }, clock) };
}

test('what is known of them is a second old at most, and the store is asked no more often', async () => {
  const { clock, store, known } = bench();
  await known.look();
  store.kept = [about('route', 'store')];
  await clock.pass(seconds(1) - 1);
  await known.look();
  expect([store.asked, known.all]).toEqual([1, []]);
  await clock.pass(1);
  await known.look();
  expect([store.asked, known.all]).toEqual([2, store.kept]);
});

test('one whose time is over keeps nothing back', async () => {
  const { known } = bench(about('route', 'store', T0), about('domain', 'store.test', T0 + 1));
  await known.look();
  expect(known.all).toEqual([about('domain', 'store.test', T0 + 1)]);
});

test.each<[Suspendable, string, object]>([
  ['route', 'store', { kind: 'putBack' }],
  ['domain', 'store.test', { kind: 'putBack' }],
  ['sender', 'alice@sender.test', { kind: 'putBack' }],
  ['recipient', 'bob@store.test', { kind: 'putBack', due: T0 + SUSPENDED_AGAIN }],
  ['user', 'alice', { kind: 'putBack', due: T0 + SUSPENDED_AGAIN }],
])(
  'of a %s it puts an entry back: until it ends, or for a while where the store does not go by that',
  async (of, value, event) => {
    const { known } = bench(about(of, value));
    const entry = anEntry({ user: 'alice' });
    expect(known.hindrance(entry, T0)).toBeUndefined(); // not known yet
    await known.look();
    expect(known.hindrance(entry, T0)).toEqual(event);
    expect(known.hindrance({ ...entry, expiresAt: T0 - hours(1) }, T0)).toEqual({ kind: 'expired' });
  },
);
