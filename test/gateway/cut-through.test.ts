/** Clients that wait, on the side of whoever sends: what a refusal waits for, and what lets it go. */
import { expect, test } from 'vitest';
import { CutThrough } from '../../src/gateway/cut-through.ts';
import type { Word } from '../../src/gateway/store-words.ts';
import { seconds } from '../../src/mail/time.ts';
import type { Lease } from '../../src/ports/queue.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry } from '../support/entries.ts';
import { calm, delivered, house, later, refused } from '../support/sending.ts';

function waiting() {
  const at = house();
  const words: Word['kind'][] = [];
  const line = (_: string, word: Word) => void words.push(word.kind);
  const admit = (count: number) =>
    at.admit(
      Array.from({ length: count }, (_, n) => ({ recipient: `r${n}@store.test`, sender: 'unverified' as const })),
      true,
      undefined,
      line,
    );
  return { ...at, words, line, admit };
}

test('what was refused stays in hand until its client has been told, and tells nobody else', async () => {
  const { hop, admit, words, cutThrough, dispatcher, events, kept } = waiting();
  hop.answer = () => refused;
  const id = await admit(2);
  await calm();
  expect([words, dispatcher.inHand, await events(id)]).toEqual([['refused'], 2, []]);
  expect(await kept.queue.list({})).toMatchObject([{ state: { kind: 'leased' } }, { state: { kind: 'leased' } }]);
  cutThrough.heard(id, 'told');
  cutThrough.heard(id, 'untold'); // too late
  await calm();
  expect([dispatcher.inHand, await events(id)]).toEqual([0, ['1 refused', '2 refused']]);
  expect([await kept.queue.count({}), await kept.queue.quarantined({})]).toEqual([0, []]);
});

test('a refusal waits for nobody where another recipient was taken, or comes later', async () => {
  for (const other of [delivered, later]) {
    const { hop, admit, words, events } = waiting();
    hop.answer = ({ recipient }) => (recipient.startsWith('r0') ? refused : other);
    const id = await admit(2);
    await calm();
    expect(words).toEqual(['queued']);
    expect(await events(id)).toContain('1 quarantined');
  }
});

test('a refusal waits for nobody once another recipient was taken, though a third is still on its way', async () => {
  const cutThrough = new CutThrough(new FakeClock());
  const lease = (id: string): Lease => ({ entry: anEntry({ id }), owner: 'me', until: 0 });
  cutThrough.expect({ recordId: 'm', entries: ['m.1', 'm.2', 'm.3'], span: seconds(30) }, () => {});
  const held = cutThrough.came([lease('m.1')], [refused]);
  void cutThrough.came([lease('m.2')], [delivered]);
  expect(await held).toBe('untold');
});

/** `m`, its entries waited for by one client. */
function oneWaits(...ids: readonly string[]) {
  const clock = new FakeClock();
  const cutThrough = new CutThrough(clock);
  const words: Word['kind'][] = [];
  const line = (_: string, word: Word) => void words.push(word.kind);
  cutThrough.expect({ recordId: 'm', entries: ids, span: seconds(30) }, line);
  const came = (id: string, result: AttemptResult) =>
    cutThrough.came([{ entry: anEntry({ id }), owner: 'me', until: 0 }], [result]);
  return { clock, cutThrough, words, line, came };
}

test('a refusal waits ten seconds beyond its client’s own time for word of it', async () => {
  const { clock, came } = oneWaits('m.1');
  let heard = '';
  void came('m.1', refused)?.then((one) => {
    heard = one;
  });
  await clock.pass(seconds(40) - 1);
  await calm();
  expect(heard).toBe('');
  await clock.pass(1);
  await calm();
  expect(heard).toBe('untold');
});

test('what comes of an entry after the wait is over is told to nobody, and holds nothing back', () => {
  const { cutThrough, words, line, came } = oneWaits('m.1', 'm.2');
  void came('m.1', refused);
  cutThrough.gone(line);
  expect([came('m.2', refused), words]).toEqual([undefined, []]);
});

test.each([
  ['taken', delivered, 'taken'],
  ['to be tried again', later, 'queued'],
] as const)('once all is %s, nothing waits for its client', async (_, result, said) => {
  const { clock, words, came } = oneWaits('m.1');
  void came('m.1', result);
  await calm();
  expect([words, clock.sleeping]).toEqual([[said], 0]);
});

test.each([
  ['its thread is gone', ({ cutThrough, line }: ReturnType<typeof waiting>) => cutThrough.gone(line)],
  ['its session says nothing', ({ clock }: ReturnType<typeof waiting>) => clock.pass(seconds(41))],
  ['the dispatcher stops', ({ dispatcher }: ReturnType<typeof waiting>) => dispatcher.stop(0)],
])('where %s, a refusal goes the way of any other', async (_, befalls) => {
  const at = waiting();
  at.hop.answer = () => refused;
  const id = await at.admit(1);
  await calm();
  await befalls(at);
  await calm();
  expect(await at.events(id)).toEqual(['1 quarantined']);
});

test('what cannot be tried now is not waited for', async () => {
  const { admit, words, kept, clock, dispatcher } = waiting();
  const about = { since: clock.now(), until: null, by: 'olga', why: '' };
  await kept.queue.suspend({ id: 's1', of: 'route', value: 'store', ...about });
  dispatcher.start();
  await calm();
  await admit(1);
  await calm();
  expect(words).toEqual(['queued']);
});
