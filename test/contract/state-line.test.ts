/** What is remembered, over a line from another thread: the same promises as at home. */
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { StateLine, serveState } from '../../src/adapters/threads/state-line.ts';
import type { Store } from '../../src/ports/store.ts';
import { NOON } from '../support/samples.ts';
import { stateContract } from './state-contract.ts';

/** Layers are laid in the thread that holds the state: here `fork` is the one at home. */
async function open(): Promise<Store> {
  const store = memoryStore();
  const { port1, port2 } = new MessageChannel();
  serveState(port1, store.state);
  const line = new StateLine(port2);
  const state = {
    scope: 'live' as const,
    get: line.get.bind(line),
    put: line.put.bind(line),
    delete: line.delete.bind(line),
    hit: line.hit.bind(line),
    entries: line.entries.bind(line),
    fork: (scope: 'candidate' | 'scratch') => store.state.fork(scope),
  };
  return { ...store, state, close: async () => line.close() };
}

describe('state over a line', () => {
  stateContract({ name: 'line', open });

  test('two threads count together', async () => {
    const { state } = memoryStore();
    const lines = [1, 2].map(() => {
      const { port1, port2 } = new MessageChannel();
      serveState(port1, state);
      return new StateLine(port2);
    });
    const counts = await Promise.all(lines.map((line) => line.hit('rate', 'k', NOON, 1000, 1)));
    expect(counts.sort()).toEqual([1, 2]);
    for (const line of lines) line.close();
  });

  test('whoever waits when the line is closed is told so, and so is whoever asks afterwards', async () => {
    const { port2 } = new MessageChannel();
    const line = new StateLine(port2);
    const asked = line.get('greylist', 'a', NOON);
    line.close();
    await expect(asked).rejects.toThrow(/its line must be open/);
    await expect(line.get('greylist', 'a', NOON)).rejects.toThrow(/its line must be open/);
  });
});
