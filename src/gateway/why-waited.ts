/** Why a message that was due could not be tried, for its sender: a destination that is silent, a suspension here, or others before it. */
import type { WaitedStatus } from '../queue/transition.ts';
import type { Turns } from './turns.ts';

/** The sender reads it too, who knows nothing of our routes, and of a suspension no more than that there is one. */
export function whyWaited(
  { dead, why, to }: Turns,
  suspended: boolean,
): { readonly why: string; readonly status: WaitedStatus } {
  if (suspended)
    return { why: 'not sent now: this mail server keeps it until its postmaster lets it go', status: '4.3.2' };
  if (!dead) return { why: 'not sent yet: other messages to the same destination go first', status: '4.4.5' };
  const whom = to.domain === '' ? 'next mail server' : `mail server of ${to.domain}`;
  return { why: `not tried, as the ${whom} does not answer (${why})`, status: '4.4.1' };
}
