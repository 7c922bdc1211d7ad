/** Floods of like refusals become one record with a count; nothing is lost from the sum. */
import { expect, test } from 'vitest';
import { RecordFold } from '../../src/gateway/fold.ts';
import type { TransactionRecord } from '../../src/record/record.ts';

const refusal = (at: number, network: string): TransactionRecord =>
  ({
    kind: 'connection',
    at,
    listener: 'mx',
    facts: { client: { network } },
    session: { decisions: [], calls: {}, end: null },
    recipients: [],
    replies: [],
    count: 1,
  }) as unknown as TransactionRecord;

function folded(records: readonly TransactionRecord[]): TransactionRecord[] {
  const written: TransactionRecord[] = [];
  const fold = new RecordFold({ append: (record) => void written.push(record) }, 60_000);
  for (const record of records) fold.append(record, []);
  fold.sweep();
  return written;
}

test('a flood from one network: the first are whole, the rest one with its count', () => {
  const written = folded(Array.from({ length: 500 }, (_, i) => refusal(i, '192.0.2.0/24')));
  expect(written).toHaveLength(21);
  expect(written.reduce((sum, record) => sum + record.count, 0)).toBe(500);
});

test('two networks do not share a fold, and a new window begins whole again', () => {
  const first = Array.from({ length: 15 }, (_, i) => refusal(i, '192.0.2.0/24'));
  const second = Array.from({ length: 15 }, (_, i) => refusal(i, '198.51.100.0/24'));
  const later = Array.from({ length: 15 }, (_, i) => refusal(70_000 + i, '192.0.2.0/24'));
  expect(folded([...first, ...second, ...later]).map((record) => record.count)).toEqual(Array(45).fill(1));
});
