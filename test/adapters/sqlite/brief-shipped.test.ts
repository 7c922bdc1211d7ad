/** What the shipped policy puts on record is written in the short form, so that a record stays under its 4 KiB. */
import { expect, test } from 'vitest';
import { brief } from '../../../src/adapters/sqlite/record-brief.ts';
import { NEIGHBOUR, shipped } from '../../support/shipped.ts';

/** One name: a list of one stands for itself. */
const LEFT = ['recipients'];

test('no group of facts, of the message or of a recipient, is written with its names', async () => {
  const house = shipped({});
  try {
    const { record } = await house.play(
      Buffer.from('From: a@example.org\r\nSubject: x\r\n\r\nhttps://example.net/\r\n'),
      NEIGHBOUR,
    );
    const { facts, recipients } = JSON.parse(brief(record)) as {
      readonly facts: object;
      readonly recipients: readonly (readonly unknown[])[];
    };
    const groups = [facts, ...recipients.map((recipient) => recipient.find(isGroup) ?? {})].flatMap(Object.entries);
    expect(groups.length).toBeGreaterThan(20);
    const named = groups.filter(([, value]) => isGroup(value)).map(([root]) => root);
    expect(named.filter((root) => !LEFT.includes(root))).toEqual([]);
  } finally {
    house.close();
  }
});

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('code' in value);
