/** When recipients are told: at times of day in a time zone, or so long after the last round. Pure. */
import type { DigestSchedule } from '../../config/digest.ts';
import type { Timestamp } from '../../mail/time.ts';

/**
 * The first time after this one. A time that a change to summer time leaves out comes an hour later; one that it brings twice
 * comes once.
 */
export function nextRound(schedule: DigestSchedule, after: Timestamp): Timestamp {
  if (schedule.kind === 'every') return after + schedule.span;
  const { minutes, timeZone } = schedule;
  const day = Math.floor((after + offsetAt(after, timeZone)) / DAY);
  // The day before too: its last time may lie ahead where clocks went back over midnight.
  const times = [day - 1, day, day + 1, day + 2].flatMap((one) =>
    minutes.map((minute) => instantOf(one * DAY + minute * MINUTE, timeZone)),
  );
  return Math.min(...times.filter((time) => time > after));
}

/** A round that was missed is due; several are one. */
export const isDue = (schedule: DigestSchedule, last: Timestamp, now: Timestamp): boolean =>
  nextRound(schedule, last) <= now;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The moment at which clocks of the zone show this, counted as if it were UTC. */
function instantOf(wall: number, timeZone: string): Timestamp {
  const guess = wall - offsetAt(wall, timeZone);
  const instant = wall - offsetAt(guess, timeZone);
  // Left out by a change: both guesses lie on either side of it, and the later one shows a time that there is.
  return instant + offsetAt(instant, timeZone) === wall ? instant : Math.max(guess, instant);
}

/** How far clocks of the zone are ahead of UTC. */
function offsetAt(at: Timestamp, timeZone: string): number {
  const parts = clockOf(timeZone).formatToParts(at);
  const read = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'));
  return shown - Math.floor(at / 1000) * 1000;
}

const clocks = new Map<string, Intl.DateTimeFormat>();
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  clocks.set(timeZone, made);
  return made;
}

/** `2026-11-22 07:00 (Europe/Berlin)`. */
export function sayTime(at: Timestamp, timeZone: string): string {
  const shown = new Date(at + offsetAt(at, timeZone)).toISOString();
  return `${shown.slice(0, 10)} ${shown.slice(11, 16)} (${timeZone})`;
}
