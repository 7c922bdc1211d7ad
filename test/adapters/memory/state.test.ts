import { expect, test } from 'vitest';
import { MemoryState } from '../../../src/adapters/memory/state.ts';
import { NOON } from '../../support/samples.ts';

test('beyond its limit, what was written longest ago is forgotten', async () => {
  const forgotten: string[] = [];
  const state = new MemoryState('live', undefined, (_, key, now) => now === undefined && forgotten.push(key), 3);
  for (const key of ['a', 'b', 'c']) await state.put('s', key, 'x', NOON);
  await state.put('s', 'a', 'y', NOON);
  await state.hit('s', 'd', NOON - 10, 100, 1);
  expect(forgotten).toEqual(['b']);
  expect(await state.get('s', 'a', NOON - 1)).toBe('y');
  expect(state.size).toBe(3);
});

test('what has expired is swept', async () => {
  const state = new MemoryState();
  await state.put('s', 'soon', 'x', NOON);
  await state.put('s', 'late', 'x', NOON + 1);
  await state.hit('s', 'count', NOON - 10, 10, 1);
  await state.hit('s', 'still', NOON - 9, 10, 1);
  state.sweep(NOON);
  expect(state.size).toBe(2);
});

test('whoever floods one space pushes nothing out of another', async () => {
  const state = new MemoryState('live', undefined, () => {}, 10);
  await state.put('greylist', 'known', 'x', NOON);
  for (let n = 0; n < 100; n++) await state.hit('rate', `stranger${n}`, NOON, 1000, 1);
  expect(state.size).toBe(10);
  expect(await state.get('greylist', 'known', NOON - 1)).toBe('x');
});
