/** What a transaction may ask of DNS is bounded for all its checks and recipients together; the next one begins anew. */
import { expect, test } from 'vitest';
import { DnsNotebook, Questions } from '../../src/gateway/evidence.ts';
import type { DnsEvidence } from '../../src/record/record.ts';
import { resolverOver } from '../support/gateway.ts';

const zones = resolverOver({ 'a.example': [{ A: '192.0.2.1' }], 'b.example': [{ A: '192.0.2.2' }] });
const { signal } = new AbortController();

test('beyond the limit a question fails, is not asked, and stands so on record', async () => {
  const session = new DnsNotebook(undefined, new Questions(1));
  const transaction = new DnsNotebook(session, new Questions(2));
  const recipient = new DnsNotebook(transaction);
  const evidence: DnsEvidence[] = [];
  let asked = 0;
  const under = {
    resolve: (...question: Parameters<typeof zones.resolve>) => {
      asked++;
      return zones.resolve(...question);
    },
  };
  const ask = async (notebook: DnsNotebook, name: string) =>
    (await notebook.resolver(under, evidence).resolve(name, 'A', signal)).kind;

  expect(await ask(session, 'a.example')).toBe('found');
  expect(await ask(session, 'b.example')).toBe('failed');
  // What the level above was told costs nothing, be it an answer or a failure.
  expect(await ask(transaction, 'a.example')).toBe('found');
  expect(await ask(transaction, 'c.example')).toBe('empty');
  expect(await ask(recipient, 'd.example')).toBe('empty');
  expect(await ask(recipient, 'c.example')).toBe('empty');
  expect(await ask(transaction, 'e.example')).toBe('failed');
  expect(asked).toBe(3);
  expect(evidence.at(-1)).toMatchObject({ name: 'e.example', kind: 'failed', answer: ['limit'] });
  expect(await ask(new DnsNotebook(session, new Questions(2)), 'e.example')).toBe('empty');
});
