/** Of two notifications that are owed at once, the second cannot be written: the first is not left lying either. */
import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { type Refused, tellAtOnce } from '../../src/gateway/refused-after.ts';
import type { SessionState } from '../../src/gateway/session-state.ts';
import type { RecipientState, TransactionState } from '../../src/gateway/transaction.ts';
import type { SpooledContent } from '../../src/ports/content.ts';
import { StoreError } from '../../src/ports/store-error.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry, mailbox, T0 } from '../support/entries.ts';
import { sampleId, spool } from '../support/samples.ts';
import { installation, TEXT } from '../support/sending.ts';

const one = (number: number): Refused => ({
  recipient: {
    number,
    course: { disposition: { kind: 'reject', reply: { code: 550, enhanced: '5.7.1', text: 'no' } } },
    recipient: { mailbox: mailbox(`r${number}@store.test`), parameters: {} },
  } as unknown as RecipientState,
  entry: anEntry({ id: `x.${number}`, recipient: `r${number}@store.test` }),
});

test('what is owed for refusals is let go where what is owed for success cannot be written', async () => {
  const { content: store } = memoryStore();
  const message = await spool(store, TEXT);
  const made: SpooledContent[] = [];
  const gone: SpooledContent[] = [];
  let writers = 0;
  const content = {
    ...store,
    create: () => {
      const writer = store.create();
      if (++writers === 2) return { ...writer, write: () => true, finish: () => Promise.reject(full) };
      const finish = async () => {
        const spooled = await writer.finish();
        made.push(spooled);
        return spooled;
      };
      return { ...writer, write: (octets: Uint8Array) => writer.write(octets), finish };
    },
    discard: async (spooled: SpooledContent) => void gone.push(spooled),
  };
  const full = new StoreError('full', 'no space');
  const log = { event: () => {}, warn: () => {}, error: () => {} };
  const world = { clock: new FakeClock(T0), newId: () => sampleId(T0, 9), content, signingKeys: undefined, log };
  const s = { world, current: { installation } } as unknown as SessionState;
  const told = tellAtOnce(
    s,
    { id: 'x' } as unknown as TransactionState,
    { refused: [one(1)], expanded: [one(2)] },
    message,
  );
  await expect(told).rejects.toBe(full);
  expect(made).toHaveLength(1);
  expect(gone).toEqual(made);
});
