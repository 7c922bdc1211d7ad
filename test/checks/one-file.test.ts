/** Adding a check takes one file and one line: the page that shows it is true, and nothing else in the house knows the check. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck } from '../../src/checks/define.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { seconds } from '../../src/mail/time.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const read = (file: string): string => readFileSync(file, 'utf8');
const page = read('docs/write-a-check.md');
const registry = read('src/checks/registry.ts');

test('the page shows a real check, whole, and its real line', () => {
  expect(page).toContain(`\`\`\`ts\n${read('src/checks/sender-domain.ts')}\`\`\``);
  const line = registry.split('\n').find((one) => one.includes('sender-domain.ts'));
  expect(page).toContain(`\`\`\`ts\n${line}\n\`\`\``);
});

test('nothing else in src knows that check', () => {
  const knowing = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    // Words and orders that make rows small: a check that is not among them is stored as well, in a few octets more.
    .filter((file) => !['adapters/sqlite/record-words.ts', 'adapters/sqlite/brief-parts.ts'].includes(file))
    .filter((file) => /sender_domain|senderDomain|sender-domain/.test(read(`src/${file}`)));
  expect(knowing.sort()).toEqual(['checks/registry.ts', 'checks/sender-domain.ts']);
});

test('every file that defines a check stands on one line of the registry', () => {
  const defining = readdirSync('src/checks').filter((file) => /= defineCheck\(/.test(read(`src/checks/${file}`)));
  for (const file of defining) expect(registry.split(`'./${file}'`), file).toHaveLength(2);
  expect(defining).toHaveLength(CHECKS.size);
});

const weekday = defineCheck({
  name: 'weekday',
  about: 'Which day it is.',
  stage: 'mail',
  scope: 'transaction',
  timeout: seconds(1),
  onError: 'skip',
  needs: [],
  evidence: 'Nothing.',
  options: z.strictObject({ offset: z.number().default(0) }),
  facts: z.object({ day: z.enum(['workday', 'weekend']).meta({ about: 'the kind of day', example: 'weekend' }) }),
  run: async ({ now, options }) => ({
    day: [0, 6].includes((new Date(now).getUTCDay() + options.offset) % 7)
      ? ('weekend' as const)
      : ('workday' as const),
  }),
});
const withWeekday = new Map([...CHECKS, ['weekday', weekday]]);
const policy = (check: string, when: string): string => `policy: inbound
checks:
  mail:
    - ${check}
rules:
  mail:
    - name: closed
      when: "${when}"
      defer: { code: 450, enhanced: 4.7.1, text: "closed on {weekday.day}s" }
`;

test('a check that nobody has heard of is typed, validated, run and recorded from its definition alone', async () => {
  const play = rehearsalOf(policy('weekday: {}', "weekday.day == 'weekend'"), undefined, withWeekday);
  const sunday = await play({ now: '2026-11-22T10:00:00Z', mail_from: 'a@example.org', rcpt: ['b@example.net'] });
  expect(sunday.record.session.end?.reply.text).toContain('closed on weekends');
  expect(sunday.record.facts.weekday).toEqual({ day: 'weekend', status: 'completed' });
  const monday = await play({ now: '2026-11-23T10:00:00Z', mail_from: 'a@example.org', rcpt: ['b@example.net'] });
  expect(monday.record.session.end).toBeNull();
});

test.each([
  ['a misspelt option', 'weekday: { ofset: 1 }', "weekday.day == 'weekend'", 'offset'],
  ['a word the fact never has', 'weekday: {}', "weekday.day == 'sunday'", 'weekend'],
  ['a fact it does not state', 'weekday: {}', 'weekday.dya', 'day'],
])('%s is told with the right one', (_what, check, when, remedy) => {
  expect(() => rehearsalOf(policy(check, when), undefined, withWeekday)).toThrow(remedy);
});
