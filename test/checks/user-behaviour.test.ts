/** What a user has done lately: counted by key and window, with those never written to before, however often it is asked. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import type { CheckContext } from '../../src/checks/define.ts';
import { BOUNCES_KEPT, BOUNCES_SPACE, bounceKey, userBehaviour } from '../../src/checks/user-behaviour.ts';
import { days, hours, minutes } from '../../src/mail/time.ts';
import { NOON } from '../support/samples.ts';

const state = (): MemoryState => new MemoryState();
const ask = (kept: MemoryState, at: number, recipients: readonly string[], key = 'alice@example.com') =>
  userBehaviour.run({
    instance: { name: 'user_behaviour', policy: 'outbound' },
    options: { key, window: hours(1), remember: days(90) },
    facts: { mail: { address: 'alice@example.com' } },
    state: kept,
    now: at,
    envelope: { id: '', recipients },
    evidence: () => {},
  } as unknown as CheckContext<never>);

test('different recipients are counted once a window, and new ones once in all', async () => {
  const kept = state();
  const ten = Array.from({ length: 10 }, (_, n) => `person${n}@friend.example`);
  expect(await ask(kept, NOON, [...ten, 'PERSON0@friend.example'])).toEqual({
    messages: 1,
    recipients: 10,
    new_recipients: 10,
    bounces: 0,
  });
  expect(await ask(kept, NOON + minutes(1), [...ten, 'other@friend.example'])).toMatchObject({
    messages: 2,
    recipients: 11,
    new_recipients: 11,
  });
  // A day later they are known.
  expect(await ask(kept, NOON + days(1), [...ten, 'third@friend.example'])).toMatchObject({
    messages: 1,
    recipients: 11,
    new_recipients: 1,
  });
  expect(await ask(kept, NOON + days(100), ten)).toMatchObject({ recipients: 10, new_recipients: 10 });
});

test('users are counted apart, and nobody is not counted', async () => {
  const kept = state();
  await ask(kept, NOON, ['ann@friend.example']);
  expect(await ask(kept, NOON, ['ann@friend.example'], 'bob@example.com')).toMatchObject({
    messages: 1,
    new_recipients: 1,
  });
  expect(await ask(kept, NOON, ['ann@friend.example'], '')).toMatchObject({ messages: 0, recipients: 0 });
});

test('bounces are those to the sender within the window', async () => {
  const kept = state();
  const back = (at: number) => kept.hit(BOUNCES_SPACE, bounceKey('Alice@Example.com'), at, BOUNCES_KEPT, 1);
  await back(NOON - hours(2));
  await back(NOON - minutes(5));
  await back(NOON - minutes(4));
  expect(await ask(kept, NOON, ['ann@friend.example'])).toMatchObject({ bounces: 2 });
});
