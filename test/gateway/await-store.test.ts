/** For which messages a client waits for the store, how long, and what it is told in the store's words or in ours. */
import { describe, expect, test } from 'vitest';
import { awaitedOf, storeAnswer } from '../../src/gateway/await-store.ts';
import type { SessionState } from '../../src/gateway/session-state.ts';
import type { RecipientState, TransactionState } from '../../src/gateway/transaction.ts';
import type { Reply } from '../../src/mail/reply.ts';
import { seconds } from '../../src/mail/time.ts';
import type { Admission, Lease } from '../../src/ports/queue.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry } from '../support/entries.ts';
import { calm } from '../support/sending.ts';

const alone = { target: undefined, copies: [] } as unknown as RecipientState['changes'];
const one = (number: number, changes: object = {}): RecipientState =>
  ({ number, outcome: 'queued', changes: alone, ...changes }) as unknown as RecipientState;

function session(words: object | undefined = {}) {
  const said: string[] = [];
  const note = (what: string) => void said.push(what);
  const routes = new Map([
    ['store', { deliver: 'cut_through' }],
    ['plain', {}],
  ]);
  const limits = { cutThrough: seconds(30), commit: seconds(40) };
  const clock = new FakeClock();
  const heard = {
    addEvents: async (events: readonly { readonly text: string }[]) => note(`on record: ${events[0]?.text}`),
    report: (id: string, came: string) => note(`${id} ${came}`),
  };
  const s = {
    world: { words: words && { ...heard, ...words }, clock, log: { error: note } },
    current: { installation: { routes, limits } },
  } as unknown as SessionState;
  return { s, said, clock };
}

describe('a client', () => {
  const tx = { id: 'm' } as unknown as TransactionState;
  const entries = [anEntry({ id: 'm.1' }), anEntry({ id: 'm.2' })];
  const lease = (entry: Lease['entry']): Lease => ({ entry, owner: 'me', until: 0 });
  interface Case {
    readonly words?: boolean;
    readonly taken?: readonly RecipientState[];
    readonly admitted?: Partial<Admission>;
    readonly leases?: readonly Lease[];
    /** Gone of the time of a commit. */
    readonly gone?: number;
  }
  async function awaited({ words = true, taken = [one(1), one(2)], admitted, leases, gone = 0 }: Case) {
    const { s, clock } = session();
    if (!words) (s.world as { words?: unknown }).words = undefined;
    await clock.pass(gone);
    const whole = { entries, quarantine: [], ...admitted } as unknown as Admission;
    return awaitedOf(s, tx, taken, whole, leases ?? whole.entries.map(lease), 0);
  }
  const all = (span: number) => ({ recordId: 'm', entries: ['m.1', 'm.2'], span });

  test('waits as long as it may, and less where time has gone by, so that the answer comes before its connection ends', async () => {
    expect(await awaited({})).toEqual(all(seconds(30)));
    expect(await awaited({ gone: seconds(20) })).toEqual(all(seconds(18)));
    expect(await awaited({ gone: seconds(38) })).toBeUndefined();
  });

  test('does not wait for a copy that it knows nothing of', async () => {
    const changes = { target: undefined, copies: [{ kind: 'bcc', number: 2 }] };
    const copy = { entries: [entries[0]!, anEntry({ id: 'm.2', route: 'plain' })] };
    expect(await awaited({ taken: [one(1, { changes })], admitted: copy })).toMatchObject({ entries: ['m.1'] });
  });

  test.each<[string, Case]>([
    ['nobody could tell it', { words: false }],
    ['a recipient was refused', { taken: [one(1), one(2, { outcome: 'refused' })] }],
    ['some of it is kept aside', { admitted: { quarantine: [{}] as unknown as Admission['quarantine'] } }],
    ['its sender is told of something', { admitted: { notifications: [{}] as unknown as never } }],
    ['some of it goes another way', { admitted: { entries: [entries[0]!, anEntry({ id: 'm.2', route: 'plain' })] } }],
    ['some of it waits in the store', { leases: [lease(entries[0]!)] }],
  ])('does not wait where %s', async (_, changes) => {
    expect(await awaited(changes)).toBeUndefined();
  });
});

describe('what the store says', () => {
  const queued: Reply = { code: 250, enhanced: '2.0.0', text: 'queued as m' };
  const no = (text: string, code = 550, enhanced = '5.1.1'): Reply => ({ code, enhanced, text });
  const answer = (taken: readonly RecipientState[], ...replies: readonly Reply[]): Reply =>
    storeAnswer(session().s, 'm', taken, queued, { kind: 'refused', replies }).reply as Reply;

  test('to one recipient is told with its number, to several with that of the message', () => {
    expect(answer([one(3)], no('nobody'))).toEqual(no('(ref m.3) nobody'));
    expect(answer([one(1), one(2)], no('nobody'))).toEqual(no('(ref m) nobody'));
  });

  test('to others is told behind the first where it is something else', () => {
    const replies = [no('nobody'), no('nobody'), no('full', 552, '5.2.2'), no('full', 552, '5.2.2')];
    expect(answer([one(1), one(2)], ...replies).text).toBe('(ref m) nobody; 552 5.2.2 full');
  });

  test('by a code that means something else here is told as 554, and never without an enhanced code', () => {
    expect(answer([one(1)], no('log in first', 530, ''))).toEqual(no('(ref m.1) log in first', 554, '5.0.0'));
  });

  test.each([
    ['an alias of one', { target: 'bob@store.test', copies: [] }],
    ['an alias of several', { target: undefined, copies: [{ kind: 'alias', number: 2 }] }],
  ])('to whom it names is not told for %s', (_, changes) => {
    const those = [one(1, { changes })];
    expect(answer(those, no('bob is gone')).text).toBe('(ref m.1) the mail server behind this one does not take it');
    const word = { kind: 'taken', reply: { code: 250, enhanced: '2.0.0', text: 'bob has it' } } as const;
    expect(storeAnswer(session().s, 'm', those, queued, word).reply).toMatchObject({ text: 'delivered as m' });
  });

  test.each<[string, 'said' | 'gone', object, readonly string[]]>([
    ['is on record before it is reported', 'said', {}, ['on record: 550 5.1.1 (ref m.1) nobody', 'm told']],
    ['is not on record where its client has gone', 'gone', {}, ['m untold']],
    [
      'was said though it cannot be put on record',
      'said',
      { addEvents: () => Promise.reject(new Error('disk full')) },
      ['record.failed', 'm told'],
    ],
  ])('%s', async (_, came, words, told) => {
    const { s, said } = session(words);
    storeAnswer(s, 'm', [one(1)], queued, { kind: 'refused', replies: [no('nobody')] }).heard?.(came);
    await calm();
    expect(said).toEqual(told);
  });

  test('that it is queued is what the record has', () => {
    for (const word of [undefined, { kind: 'queued' } as const])
      expect(storeAnswer(session().s, 'm', [one(1)], queued, word)).toEqual({ reply: queued, close: false });
  });
});
