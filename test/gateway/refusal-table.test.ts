/** One table holds every `builtin:` reason: what a record names can be looked up there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REFUSALS } from '../../src/gateway/refusal-table.ts';
import { WIRE_REFUSALS } from '../../src/smtp/receive/refusals.ts';

const SRC = new URL('../../src/', import.meta.url).pathname;
const texts = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(SRC, name), 'utf8'));
const words = REFUSALS.map(({ word }) => word);

test('every word that stands behind builtin: in the source is in the table', () => {
  const used = new Set(texts.flatMap((text) => [...text.matchAll(/builtin:([a-z][a-z-]*)/g)].map(([, word]) => word!)));
  expect([...used].filter((word) => !words.includes(word))).toEqual([]);
  expect(used).toContain('notification');
});

test('so is every reason by which the gateway or the wire refuses', () => {
  const given = new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/(?:reason: |builtinReply\(|#?refuse\w*\([^)\n]*?)'([a-z]+(?:-[a-z]+)+)'/g)].map(
        ([, word]) => word!,
      ),
    ),
  );
  expect(given).toContain('our-fault');
  expect([...given, ...Object.keys(WIRE_REFUSALS)].filter((word) => !words.includes(word))).toEqual([]);
});

test('each word stands for one thing', () => {
  expect(new Set(words).size).toBe(words.length);
});
