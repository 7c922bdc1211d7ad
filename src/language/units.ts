/** Durations and sizes as operators write them, with their unit: `10m`, `1h30m`, `50 MiB`. */
import { z } from 'zod';
import { type Millis, parseDuration } from '../mail/time.ts';

/** A span of time. Defaults are given as written: `duration().prefault('5m')`. */
export function duration(least: Millis = 0): z.ZodType<Millis, string> {
  return z
    .string({ error: 'expected a duration with its unit, such as 30s, 10m or 4h' })
    .transform((text, context) => {
      const span = parseDuration(text);
      if (span !== undefined && span >= least) return span;
      context.addIssue(
        span === undefined
          ? `"${text}" is not a duration: expected a number with its unit, such as 30s, 10m, 4h or 5d`
          : `"${text}" is too short: expected at least ${least} ms`,
      );
      return z.NEVER;
    })
    .meta({ examples: ['30s', '10m', '4h'] });
}

/** Octets. Defaults are given as written: `size().prefault('50 MiB')`. */
export function size(): z.ZodType<number, string> {
  return z
    .string({ error: 'expected a size with its unit, such as 64 KiB, 50 MiB or 1 GiB' })
    .transform((text, context) => {
      const octets = parseSize(text);
      if (octets !== undefined) return octets;
      context.addIssue(`"${text}" is not a size: expected a number with its unit, such as 64 KiB, 50 MiB or 1 GiB`);
      return z.NEVER;
    })
    .meta({ examples: ['64 KiB', '50 MiB', '1 GiB'] });
}

const OCTETS: { readonly [unit: string]: number } = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** `50 MiB` as octets; undefined when the text is not a number with its unit. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)$/i.exec(text.trim());
  return match === null ? undefined : Math.round(Number(match[1]) * OCTETS[match[2]!.toLowerCase()]!);
}
