/** Several recipients, one reply to DATA: what the client hears, and what happens to each (RFC 5321 §4.2.5 knows only one reply). */
import type { Reply } from '../mail/reply.ts';
import type { Disposition } from './disposition.ts';

/** `not_taken`: kept back because another recipient is deferred. `bounced`: refused after our 250, told by a DSN. */
export type SettledOutcome =
  | 'queued'
  | 'quarantined'
  | 'held'
  | 'discarded'
  | 'refused'
  | 'deferred'
  | 'not_taken'
  | 'bounced';

export interface Settled {
  /** `accepted`: 250, and the promise is ours. */
  readonly reply: { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly reply: Reply };
  /** One for each disposition, in order; `why` says what a kept copy is kept for. */
  readonly outcomes: readonly { readonly outcome: SettledOutcome; readonly why: string }[];
}

/**
 * All alike: that reply. Any defer: 451 for all and nothing is kept. Otherwise 250 and each its own: a rejected recipient's
 * copy is quarantined (class `mixed`), or answered by a DSN where the listener says so and the sender may be told of it.
 */
export function settle(
  dispositions: readonly Disposition[],
  mixed: 'quarantine' | 'dsn_if_verified' | 'split',
  mayTell: (place: number) => boolean,
): Settled {
  const deferred = dispositions.find((one) => one.kind === 'defer');
  if (deferred?.kind === 'defer') {
    const allDefer = dispositions.every((one) => one.kind === 'defer');
    const reply = allDefer ? deferred.reply : { ...deferred.reply, code: 451 };
    return {
      reply: { kind: 'refused', reply },
      outcomes: dispositions.map((one) =>
        one.kind === 'defer'
          ? { outcome: 'deferred', why: '' }
          : { outcome: 'not_taken', why: 'another recipient is deferred' },
      ),
    };
  }
  const [first] = dispositions;
  if (first?.kind === 'reject' && dispositions.every((one) => one.kind === 'reject'))
    return {
      reply: { kind: 'refused', reply: first.reply },
      outcomes: dispositions.map(() => ({ outcome: 'refused', why: '' })),
    };
  const bounces = (place: number): boolean => mixed === 'dsn_if_verified' && mayTell(place);
  return { reply: { kind: 'accepted' }, outcomes: dispositions.map((one, place) => outcomeOf(one, bounces(place))) };
}

function outcomeOf(disposition: Disposition, bounces: boolean): Settled['outcomes'][number] {
  switch (disposition.kind) {
    case 'continue':
    case 'accept':
      return { outcome: 'queued', why: '' };
    case 'quarantine':
      return { outcome: 'quarantined', why: disposition.reason };
    case 'hold':
      return { outcome: 'held', why: disposition.reason };
    case 'discard':
      return { outcome: 'discarded', why: disposition.reason };
    case 'reject':
      return { outcome: bounces ? 'bounced' : 'quarantined', why: disposition.reply.text };
    case 'defer':
      throw new RangeError('Cannot settle a deferred recipient by itself as any defer must defer all');
  }
}
