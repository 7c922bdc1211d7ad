import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const MANUAL = readFileSync(new URL('manual-example.yaml', import.meta.url), 'utf8');
const PIECES = [
  ...[
    '[',
    ']',
    '{',
    '}',
    ':',
    ': ',
    '- ',
    '"',
    "'",
    '&a ',
    '*a',
    '!x ',
    '|',
    '>',
    '#',
    '\n',
    '\t',
    'null',
    '5',
    '%',
    '~',
  ],
  ...['<<: *a', '__proto__: x', 'constructor: 1', 'toString', '0.0.0.0/0', '\u0000', '🙂', '? '],
];

test('whatever is done to the file, every problem has a place, a message and a remedy, and nothing is thrown', () => {
  const edit = fc.tuple(fc.nat(MANUAL.length), fc.nat(12), fc.constantFrom(...PIECES));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce((whole, [at, drop, put]) => whole.slice(0, at) + put + whole.slice(at + drop), MANUAL);
      const { problems } = loadInstallation(
        '/etc/postern/postern.yaml',
        filesOf({ '/etc/postern/postern.yaml': text }),
      );
      for (const { place, message, remedy } of problems) {
        expect(place).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
        expect(place.line * place.column).toBeGreaterThan(0);
        expect(message).not.toMatch(/undefined|\[object|^$/);
        expect(remedy).not.toBe('');
      }
    }),
    { numRuns: 200 },
  );
});
