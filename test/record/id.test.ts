import { describe, expect, test } from 'vitest';
import { idSource } from '../../src/adapters/ids.ts';
import { firstIdAt, formatId, ID_EPOCH, timeOfId } from '../../src/record/id.ts';
import { NOON } from '../support/samples.ts';

describe('a record id', () => {
  test.each([
    [ID_EPOCH, 0, 0, '0000000000000'],
    [ID_EPOCH + 1, 0, 0, '00000000g0000'],
    [ID_EPOCH, 1, 0, '0000000000g00'],
    [ID_EPOCH + 2 ** 41 - 1, 1023, 16383, 'zzzzzzzzzzzzz'],
    [NOON, 5, 77, '3595sq8002g2d'],
  ])('time %i, node %i, counter %i is %s', (at, node, counter, id) => {
    expect(formatId(at, node, counter)).toBe(id);
    expect(timeOfId(id)).toBe(at);
  });

  test.each(['', '000000000000', '00000000000000', '000000000000o', '000000000000A', 'drop table --'])(
    '"%s" is none',
    (text) => expect(timeOfId(text)).toBeUndefined(),
  );

  test('sorts by time, whatever the node', () => {
    expect(formatId(NOON, 1023, 16383) < formatId(NOON + 1, 0, 0)).toBe(true);
    expect(firstIdAt(NOON) <= formatId(NOON, 0, 0)).toBe(true);
  });
});

describe('drawing ids', () => {
  test('threads of a node never draw the same one, and each draws in order', () => {
    const all = new Set<string>();
    for (const thread of [0, 1, 15]) {
      const ids = idSource(3, thread, () => NOON);
      let last = '';
      for (let n = 0; n < 5000; n += 1) {
        const id = ids.next();
        expect(id > last).toBe(true);
        all.add(id);
        last = id;
      }
    }
    expect(all.size).toBe(15_000);
  });

  test('a clock set back does not bring ids back', () => {
    let now = NOON;
    const ids = idSource(0, 0, () => now);
    const before = ids.next();
    now -= 3_600_000;
    expect(ids.next() > before).toBe(true);
    expect(timeOfId(ids.next())).toBe(NOON);
  });

  test.each([
    [1024, 0],
    [-1, 0],
    [0, 16],
    [0.5, 0],
  ])('node %d and thread %d have no ids', (node, thread) => {
    expect(() => idSource(node, thread, () => NOON)).toThrow(RangeError);
  });
});
