/** The constructions of fixtures/evasions are real: whoever hides the test file hides it from some, and a reader still comes to it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ANOMALY_NAMES } from '../../src/mime/anomaly.ts';
import { Walk } from '../../src/mime/walk.ts';
import { dig } from '../support/evasions/dig.ts';
import { evasionOf, evasions } from '../support/evasions/evasions.ts';
import { opens } from '../support/evasions/mail-program.ts';
import { EICAR } from '../support/evasions/payload.ts';

const all = evasions();
/** Half a file is in nobody's hands: both pieces together are the message. */
const HALF = 'message-partial-half';
/** What a program of our dependencies hands its user: at least these it opens, so that the digging reader is not alone. */
const OPENED_MIN = 60;

test('there are more than a hundred, each says what it does and differs from the control', () => {
  expect(all.length).toBeGreaterThan(100);
  const control = all.find(({ name }) => name === 'control')!;
  for (const { name, about, octets } of all) {
    expect(about, name).toMatch(/^[A-Z0-9].*\.$/);
    if (name !== control.name) expect(octets.equals(control.octets), name).toBe(false);
  }
});

test('none of their files holds the payload as it is, nor as base64: the repository is no hit', () => {
  const folder = new URL('../../fixtures/evasions/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const text = readFileSync(new URL(file, folder), 'latin1');
    expect(text, file).not.toContain(EICAR.toString('latin1', 0, 20));
    expect(text, file).not.toContain(EICAR.toString('base64').slice(0, 20));
  }
});

test.each(all.filter(({ name }) => name !== HALF))('the file lies in $name', ({ octets }) => {
  expect(dig(octets)).toBeDefined();
});

test('half of a file is not found by a reader who finds everything', () => {
  expect(dig(all.find(({ name }) => name === HALF)!.octets)).toBeUndefined();
});

test('each oddity that the walk knows is made by one of them at least', () => {
  const made = new Set(
    all.flatMap(({ octets }) => {
      const walk = new Walk();
      walk.write(octets);
      return walk.end().anomalies.map(({ name }) => name);
    }),
  );
  expect(ANOMALY_NAMES.filter((name) => !made.has(name))).toEqual([]);
});

describe('mailparser', () => {
  test('opens the control', async () => {
    expect(await opens(all.find(({ name }) => name === 'control')!)).toBe(true);
  });

  test('opens most of them: what hides from some scanners is shown to people', async () => {
    const opened = await Promise.all(all.map(opens));
    expect(opened.filter(Boolean).length).toBeGreaterThanOrEqual(OPENED_MIN);
  });
});

test('a template with a word that nobody knows is no construction', () => {
  expect(() => evasionOf('x', '# X.\n{{base46 eicar}}')).toThrow('Cannot fill {{base46}}');
});
