/** The schedule over days, changes to summer time, and clocks that jump. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDue, nextRound, sayTime } from '../../../src/gateway/digest/schedule.ts';
import { days, hours, minutes } from '../../../src/mail/time.ts';

const daily = (timeZone: string, ...times: number[]) => ({ kind: 'daily', minutes: times, timeZone }) as const;
const SEVEN = 7 * 60;
const next = (schedule: Parameters<typeof nextRound>[0], after: string) =>
  new Date(nextRound(schedule, Date.parse(after))).toISOString().slice(0, 16);

test.each([
  [daily('UTC', SEVEN), '2026-11-22T06:59:59Z', '2026-11-22T07:00'],
  [daily('UTC', SEVEN), '2026-11-22T07:00:00Z', '2026-11-23T07:00'],
  [daily('UTC', SEVEN, 16 * 60), '2026-11-22T08:00:00Z', '2026-11-22T16:00'],
  [daily('Europe/Berlin', SEVEN), '2026-11-22T00:00:00Z', '2026-11-22T06:00'],
  [daily('Europe/Berlin', SEVEN), '2026-07-22T00:00:00Z', '2026-07-22T05:00'],
  [daily('Pacific/Kiritimati', 0), '2026-11-22T09:00:00Z', '2026-11-22T10:00'],
  [daily('America/Los_Angeles', 23 * 60), '2026-11-22T06:00:00Z', '2026-11-22T07:00'],
  // 02:30 does not come on 2027-03-28 in Berlin: 03:30 there is 01:30 in UTC.
  [daily('Europe/Berlin', 150), '2027-03-27T12:00:00Z', '2027-03-28T01:30'],
  [daily('Europe/Berlin', 150), '2027-03-28T01:30:00Z', '2027-03-29T00:30'],
  // It comes twice on 2026-10-25, and counts once.
  [daily('Europe/Berlin', 150), '2026-10-24T12:00:00Z', '2026-10-25T01:30'],
  [daily('Europe/Berlin', 150), '2026-10-25T01:30:00Z', '2026-10-26T01:30'],
  [{ kind: 'every', span: hours(6) } as const, '2026-11-22T07:00:00Z', '2026-11-22T13:00'],
])('%j after %s comes at %s', (schedule, after, expected) => {
  expect(next(schedule, after)).toBe(expected);
});

test('a time of each day comes once a day, always ahead, whatever the zone does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2030, 0) }),
      fc.integer({ min: 0, max: 1439 }),
      fc.constantFrom('Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'),
      (after, minute, zone) => {
        const one = nextRound(daily(zone, minute), after);
        const two = nextRound(daily(zone, minute), one);
        expect(one).toBeGreaterThan(after);
        expect(one - after).toBeLessThanOrEqual(days(1) + hours(2));
        expect(Math.abs(two - one - days(1))).toBeLessThanOrEqual(hours(1) + minutes(1));
      },
    ),
    { numRuns: 300 },
  );
});

test('a round that was missed is due', () => {
  const at = Date.UTC(2026, 10, 22, 7);
  const schedule = daily('UTC', SEVEN);
  expect(isDue(schedule, at - hours(1), at - 1)).toBe(false);
  expect(isDue(schedule, at - hours(1), at)).toBe(true);
  expect(isDue(schedule, at - days(9), at + hours(5))).toBe(true);
});

test('times are told in the zone of the reader', () => {
  expect(sayTime(Date.UTC(2026, 10, 22, 23, 30), 'Europe/Berlin')).toBe('2026-11-23 00:30 (Europe/Berlin)');
});
