/** Time as mail counts it: milliseconds, told apart from instants, and durations that carry their unit. */

/** A span of time in milliseconds. */
export type Millis = number;
/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = number;

export const seconds = (n: number): Millis => n * 1000;
export const minutes = (n: number): Millis => n * 60_000;
export const hours = (n: number): Millis => n * 3_600_000;
export const days = (n: number): Millis => n * 86_400_000;

/** What each of several has, asked one after the other, so that one that hangs leaves time for the rest: whole, as timers want it. */
export const shareOf = (span: Millis, among: number): Millis => Math.ceil(span / among);

const UNITS: { readonly [unit: string]: Millis } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5m`, `36h`, `1h30m`, `250ms` as whole milliseconds; undefined when the text is not a duration with its unit. */
export function parseDuration(text: string): Millis | undefined {
  const parts = text.trim().match(/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/) && text.match(/\d+(?:\.\d+)?(?:ms|s|m|h|d)/g);
  if (!parts) return undefined;
  let total = 0;
  for (const part of parts) {
    const [, number, unit] = /^([\d.]+)([a-z]+)$/.exec(part)!;
    total += Number(number) * UNITS[unit!]!;
  }
  return Math.round(total);
}

/** The shortest way to say a duration to a person: `45 s`, `5 min`, `2 h`. */
export function sayDuration(span: Millis): string {
  if (span < 1000) return `${Math.round(span)} ms`;
  if (span < 120_000) return `${Math.round(span / 1000)} s`;
  if (span < 7_200_000) return `${Math.round(span / 60_000)} min`;
  if (span < 172_800_000) return `${Math.round(span / 3_600_000)} h`;
  return `${Math.round(span / 86_400_000)} d`;
}
