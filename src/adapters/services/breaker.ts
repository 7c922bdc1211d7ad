/** When a service is asked no more: a state and what failures, answers and probes make of it. Pure; who waits is another's affair. */
import { type Millis, minutes, seconds } from '../../mail/time.ts';

export type BreakerState =
  /** Asked. `failed`: whose scans came to nothing since the last answer, each message once. */
  | { readonly kind: 'closed'; readonly failed: readonly string[] }
  /** A probe came back, no scan has yet: asked again, and trusted less. */
  | { readonly kind: 'trial'; readonly failed: readonly string[]; readonly wait: Millis }
  /** Not asked; a probe goes out each `wait`. */
  | { readonly kind: 'open'; readonly wait: Millis };

export const CLOSED: BreakerState = { kind: 'closed', failed: [] };

/**
 * Different messages in a row that got no verdict. One that breaks its scanner comes again and again and is one; five of them
 * within a stretch without a single answer are no accident.
 */
export const FAILURES = 5;
/** After an outage: whoever could be reached by a probe and still gives no verdict is out again. Not one: it may be the message. */
export const TRIAL_FAILURES = 2;
/** Soon enough for mail that waits, seldom enough for a daemon that is starting. */
export const PROBE_FIRST: Millis = seconds(10);
/** Twice as long after each relapse, to this. */
const PROBE_LAST: Millis = minutes(2);

/** `message` '': nobody's fault but the service's own (it cannot be reached), which counts each time. */
export function afterFailure(state: BreakerState, message: string): BreakerState {
  if (state.kind === 'open' || (message !== '' && state.failed.includes(message))) return state;
  const failed = [...state.failed, message];
  if (failed.length < (state.kind === 'closed' ? FAILURES : TRIAL_FAILURES)) return { ...state, failed };
  return { kind: 'open', wait: state.kind === 'closed' ? PROBE_FIRST : Math.min(state.wait * 2, PROBE_LAST) };
}

/** A verdict came: whatever was before, it works. */
export const afterAnswer = (): BreakerState => CLOSED;

export function afterProbe(state: BreakerState, answered: boolean): BreakerState {
  return state.kind === 'open' && answered ? { kind: 'trial', failed: [], wait: state.wait } : state;
}
