/** How a session's wait for the store ends: by a word, its time, its client or a drain, and who hears of that. */
import { expect, test } from 'vitest';
import { StoreWords } from '../../src/gateway/store-words.ts';
import { seconds } from '../../src/mail/time.ts';
import { FakeClock } from '../support/clock.ts';
import { calm } from '../support/sending.ts';

function bench() {
  const clock = new FakeClock();
  const reported: string[] = [];
  const report = (id: string, heard: string) => void reported.push(`${id} ${heard}`);
  const words = new StoreWords({ clock, report, addEvents: async () => {} });
  const left = new AbortController();
  const wait = () => words.await({ recordId: 'm', entries: ['m.1'], span: seconds(30) }, left.signal);
  return { clock, reported, words, left, wait };
}

test('a word ends the wait, and what comes after it is too late', async () => {
  const { clock, reported, words, wait } = bench();
  const waiting = wait();
  words.came('other', { kind: 'queued' });
  words.came('m', { kind: 'refused', replies: [] });
  words.came('m', { kind: 'queued' });
  expect(await waiting).toEqual({ kind: 'refused', replies: [] });
  await calm();
  expect([reported, clock.sleeping]).toEqual([[], 0]);
});

test.each<[string, (at: ReturnType<typeof bench>) => unknown]>([
  ['its time is over', ({ clock }) => clock.pass(seconds(30))],
  ['its client leaves', ({ left }) => left.abort()],
  ['the gateway drains', ({ words }) => words.drain(true)],
])('where %s no word counts any more, and whoever sends hears that', async (_, befalls) => {
  const at = bench();
  const waiting = at.wait();
  await befalls(at);
  expect(await waiting).toBeUndefined();
  at.words.came('m', { kind: 'queued' });
  await calm();
  expect([at.reported, at.clock.sleeping]).toEqual([['m untold'], 0]);
});

test('while it drains nobody begins to wait; after that whoever waits goes on', async () => {
  const { reported, words, wait } = bench();
  words.drain(true);
  expect([await wait(), reported]).toEqual([undefined, ['m untold']]);
  words.drain(false);
  const waiting = wait();
  words.drain(false); // nothing has changed
  words.came('m', { kind: 'queued' });
  expect(await waiting).toEqual({ kind: 'queued' });
});
