/** What successive stages say of one recipient: the graver stays, and of two classes the one that fewer may release. */
import { expect, test } from 'vitest';
import { advance, startOf } from '../../src/policy/course.ts';
import type { Disposition, QuarantineClass } from '../../src/policy/disposition.ts';

const held = (name: QuarantineClass, by: string): Disposition => ({
  ...{ kind: 'quarantine', class: name, by: `rule:${by}`, reason: '' },
});

test.each<[QuarantineClass, QuarantineClass, 'first' | 'second']>([
  ['spam', 'attachment', 'second'],
  ['bulk', 'policy', 'second'],
  ['attachment', 'malware', 'second'],
  ['attachment', 'spam', 'first'],
  ['spoof', 'attachment', 'first'],
  ['spam', 'bulk', 'first'],
  ['malware', 'attachment', 'first'],
])('held as %s by one stage and as %s by the next: the %s stays', (before, after, rule) => {
  const course = advance(advance(startOf('data'), held(before, 'first'), 'data'), held(after, 'second'), 'content');
  expect(course.rule).toBe(rule);
});
