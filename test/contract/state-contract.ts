/** State: values that expire, counts in a sliding window, layers that write nothing below. */
import { expect, test } from 'vitest';
import { NOON } from '../support/samples.ts';
import type { Engine } from './store-contract.ts';

const MINUTE = 60_000;

export function stateContract({ open, reopen }: Engine): void {
  test('a value lasts until it expires, is written over, or is deleted', async () => {
    const { state, close } = await open();
    await state.put('greylist', 'a', '1', NOON + 10);
    expect(await state.get('greylist', 'a', NOON + 9)).toBe('1');
    expect(await state.get('greylist', 'a', NOON + 10)).toBeUndefined();
    expect(await state.get('other', 'a', NOON)).toBeUndefined();
    await state.put('greylist', 'a', '2', NOON + 20);
    expect(await state.get('greylist', 'a', NOON + 10)).toBe('2');
    await state.delete('greylist', 'a');
    expect(await state.get('greylist', 'a', NOON)).toBeUndefined();
    await close();
  });

  test('a window slides: each event counts for exactly its length', async () => {
    const { state, close } = await open();
    const hit = (at: number, amount = 1) => state.hit('rate', 'k', NOON + at, 1000, amount);
    expect(await hit(0)).toBe(1);
    expect(await hit(400, 3)).toBe(4);
    expect(await hit(900)).toBe(5);
    expect(await hit(999, 0)).toBe(5);
    expect(await hit(1000, 0)).toBe(4);
    expect(await hit(1000)).toBe(5);
    expect(await hit(1400)).toBe(3);
    expect(await hit(5000, 0)).toBe(0);
    expect(await state.hit('rate', 'other', NOON, 1000, 0)).toBe(0);
    await close();
  });

  test('what was counted a moment ago is taken back', async () => {
    const { state, close } = await open();
    const hit = (at: number, amount: number) => state.hit('login', 'k', NOON + at, MINUTE, amount);
    expect(await hit(0, 1)).toBe(1);
    expect(await hit(10, 1)).toBe(2);
    expect(await hit(2000, -1)).toBe(1);
    expect(await hit(3000, 0)).toBe(1);
    await close();
  });

  test('a space is listed without what has expired or lies in another', async () => {
    const { state, close } = await open();
    await state.put('suspended', 'a', '1', NOON + 10);
    await state.put('suspended', 'b', '2', NOON + 20);
    await state.put('other', 'c', '3', NOON + 20);
    expect(await state.entries('suspended', NOON + 10)).toEqual([['b', '2']]);
    await close();
  });

  test('a clock that steps back counts what lies in its window', async () => {
    const { state, close } = await open();
    await state.hit('rate', 'k', NOON + 500, 1000, 1);
    expect(await state.hit('rate', 'k', NOON, 1000, 1)).toBe(1);
    expect(await state.hit('rate', 'k', NOON + 600, 1000, 0)).toBe(2);
    await close();
  });

  test('a long window counts many events within a thousandth of its length', async () => {
    const { state, close } = await open();
    const HOUR = 60 * MINUTE;
    let last = 0;
    for (let n = 0; n < 5000; n += 1) last = await state.hit('rate', 'k', NOON + n * 1000, HOUR, 1);
    expect(last).toBeGreaterThanOrEqual(3600);
    expect(last).toBeLessThanOrEqual(3604);
    await close();
  });

  test('a fork sees what lies below and writes nothing to it', async () => {
    const { state, close } = await open();
    await state.put('s', 'kept', 'below', NOON + MINUTE);
    await state.put('s', 'gone', 'below', NOON + MINUTE);
    await state.hit('s', 'count', NOON, MINUTE, 2);
    const scratch = state.fork('scratch');
    expect([state.scope, scratch.scope]).toEqual(['live', 'scratch']);
    expect(await scratch.get('s', 'kept', NOON)).toBe('below');
    await scratch.put('s', 'kept', 'above', NOON + MINUTE);
    await scratch.delete('s', 'gone');
    expect(await scratch.hit('s', 'count', NOON, MINUTE, 1)).toBe(3);
    expect(await scratch.get('s', 'gone', NOON)).toBeUndefined();
    const upper = scratch.fork('candidate');
    expect(await upper.get('s', 'kept', NOON)).toBe('above');
    expect(await upper.hit('s', 'count', NOON, MINUTE, 1)).toBe(4);
    expect(await scratch.hit('s', 'count', NOON, MINUTE, 0)).toBe(3);
    expect(await state.get('s', 'kept', NOON)).toBe('below');
    expect(await state.get('s', 'gone', NOON)).toBe('below');
    expect(await state.hit('s', 'count', NOON, MINUTE, 0)).toBe(2);
    await state.put('s', 'new', 'below', NOON + MINUTE);
    expect(await scratch.get('s', 'new', NOON)).toBe('below');
    await close();
  });

  test.runIf(reopen)('values and counts survive closing', async () => {
    const store = await open();
    const now = Date.now();
    await store.state.put('greylist', 'a', 'x', now + MINUTE);
    await store.state.put('greylist', 'b', 'x', now + MINUTE);
    await store.state.delete('greylist', 'b');
    await store.state.hit('rate', 'k', now, MINUTE, 3);
    await store.state.hit('rate', 'k', now, MINUTE, 1);
    await store.close();
    const again = await reopen!(store);
    expect(await again.state.get('greylist', 'a', now)).toBe('x');
    expect(await again.state.get('greylist', 'b', now)).toBeUndefined();
    expect(await again.state.hit('rate', 'k', now, MINUTE, 1)).toBe(5);
    await again.close();
  });
}
