/** How many messages a destination is given at once: few at first, more while it answers, fewer when it does not, none but probes when it is dead. */
import type { Reply } from '../mail/reply.ts';
import { type Millis, minutes } from '../mail/time.ts';
import type { AttemptResult } from './transition.ts';

export interface Pace {
  /** Messages at once; grows by parts of one. */
  readonly width: number;
  /** Attempts in a row that nobody answered. */
  readonly silent: number;
}

/** As Postfix begins: enough to be quick, too few to hurt. */
export const WIDTH_FIRST = 5;
/** Attempts in a row that heard no answer from any host, before it counts as dead: one line that breaks is no outage. */
export const SILENT_MAX = 3;
/** Between probes of a dead destination; a route that tries more often is probed as often. */
const PROBE: Millis = minutes(1);

export const firstPace = (most: number): Pace => ({ width: Math.min(WIDTH_FIRST, most), silent: 0 });

export const isDead = ({ silent }: Pace): boolean => silent >= SILENT_MAX;

export const probeEvery = (retry: readonly Millis[]): Millis => Math.min(PROBE, retry[0] ?? PROBE);

/** One more for each round of successes (as Postfix's qmgr does); whoever was dead begins anew. */
export function answered(pace: Pace, most: number): Pace {
  if (isDead(pace)) return firstPace(most);
  return { width: Math.min(most, pace.width + 1 / pace.width), silent: 0 };
}

export const unanswered = ({ width, silent }: Pace): Pace => ({ width: Math.max(1, width - 1), silent: silent + 1 });

/** Whether anybody spoke to us: what is said by who has no room for us is no answer to a message. */
export function wasAnswered(results: readonly AttemptResult[]): boolean {
  return results.some(speaks);
}

function speaks(result: AttemptResult): boolean {
  switch (result.kind) {
    case 'delivered':
    case 'permanent':
      return true;
    case 'transient':
      return result.reply !== null && !wantsLess(result.reply);
    case 'indeterminate':
      return false;
  }
}

/** 421 (RFC 5321 §3.8); Exchange Online throttles an address by 451 4.7.500 to 4.7.699 (Microsoft, "Fix NDR error code 451 4.7.500-699"). */
const wantsLess = ({ code, enhanced }: Reply): boolean =>
  code === 421 || (code === 451 && /^4\.7\.[56]\d\d$/.test(enhanced));
