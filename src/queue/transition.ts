/** What an event means for an entry: pure, total, and the only place where an entry's state changes. */
import type { Reply } from '../mail/reply.ts';
import type { Timestamp } from '../mail/time.ts';
import type { EntryState, LastAttempt, QueueEntry } from './entry.ts';
import { type DsnAction, tellsDelay, tellsFailure, tellsSuccess } from './notification.ts';
import type { RouteTiming } from './route.ts';
import { isExpired, lifetime, nextTry } from './schedule.ts';

/** Who took it: a mailbox (maildir, LMTP), a hop that took the DSN wishes along, or one that does not know them. */
export type HandedTo = 'mailbox' | 'dsnRelay' | 'relay';

/** What one attempt for one recipient came to. */
export type AttemptResult =
  | {
      readonly kind: 'delivered';
      readonly host: string;
      readonly reply: Reply;
      readonly to: HandedTo;
      readonly security?: string;
    }
  /** `reply` as the host gave it: 5yz where it was a refusal to talk, which says nothing of the message. */
  | { readonly kind: 'transient'; readonly host: string; readonly reply: Reply | null; readonly cause: string }
  | { readonly kind: 'permanent'; readonly host: string; readonly reply: Reply }
  /** The line broke after the final dot: it may have been taken, so it is tried again at the same host, never elsewhere. */
  | { readonly kind: 'indeterminate'; readonly host: string; readonly cause: string };

/** It will not be taken, whoever asks again. */
export type Refusal = Extract<AttemptResult, { kind: 'permanent' }>;

export type EntryEvent =
  /** A worker takes it; the attempt counts from here, so that a worker that vanishes has made one. */
  | { readonly kind: 'leased'; readonly owner: string; readonly until: Timestamp }
  | { readonly kind: 'attempted'; readonly result: AttemptResult }
  /** Refused for good, and the client that gave it to us has been told: nobody else is. */
  | { readonly kind: 'refused'; readonly result: Refusal }
  /** Its time was over before it could be tried again. */
  | { readonly kind: 'expired' }
  /** The worker did not come back. */
  | { readonly kind: 'leaseLost' }
  /** The worker gives it back untried; not to be looked at before `due`, where it says so. */
  | { readonly kind: 'putBack'; readonly due?: Timestamp }
  /** It was due for long and could not be tried: `why` its destination is not asked. Its sender hears of that, once. */
  | { readonly kind: 'waited'; readonly why: string; readonly status: WaitedStatus }
  | { readonly kind: 'hold'; readonly by: 'rule' | 'operator'; readonly why: string }
  | { readonly kind: 'release' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'remove'; readonly why: string };

/**
 * RFC 3463: X.4.1, no answer from host; X.3.2, system not accepting network messages, which is our own where a person or a rule has put
 * the mail off; X.4.5, mail system congestion, where others go first.
 */
export type WaitedStatus = '4.4.1' | '4.3.2' | '4.4.5';

/** What has to follow; data, carried out in the same commit as the entry's next form. */
export type Effect =
  /** An event for the record. `by` is a host, '' when it is our own doing. */
  | {
      readonly kind: 'note';
      readonly event:
        | 'delivered'
        | 'deferred'
        | 'bounced'
        | 'refused'
        | 'held'
        | 'quarantined'
        | 'released'
        | 'removed';
      readonly by: string;
      readonly text: string;
    }
  /** A delivery status notification to the reverse-path (RFC 3464). */
  | { readonly kind: 'tell'; readonly report: Report }
  /** Undeliverable, and nobody may be told: kept for the postmaster. */
  | { readonly kind: 'quarantine'; readonly reason: string };

/** What a notification says of one recipient. */
export interface Report {
  readonly action: DsnAction;
  /** RFC 3463. */
  readonly status: string;
  /** Who said it; '' when nobody was reached. */
  readonly host: string;
  /** The remote reply, or null when the words in `said` are our own. */
  readonly reply: Reply | null;
  readonly said: string;
  /** When it was last tried; null where it never was. */
  readonly at: Timestamp | null;
}

export type Transition =
  | { readonly kind: 'moved'; readonly next: QueueEntry; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly why: string };

/** `jitter` is a throw of the dice, 0 to 1. */
export function transition(
  entry: QueueEntry,
  event: EntryEvent,
  timing: RouteTiming,
  now: Timestamp,
  jitter: number,
): Transition {
  const { state } = entry;
  const to = (next: EntryState, more: Partial<QueueEntry> = {}, effects: readonly Effect[] = []): Transition => ({
    kind: 'moved',
    next: { ...entry, ...more, state: next },
    effects,
  });
  const refused = (must: string): Transition => ({
    kind: 'refused',
    why: `Cannot ${WORD[event.kind]} "${entry.id}" as it must be ${must}: it is ${state.kind}`,
  });

  switch (event.kind) {
    case 'leased': {
      const free = state.kind === 'waiting' ? state.due <= now : state.kind === 'leased' && state.until <= now;
      if (!free) return refused('due and in nobody’s hands');
      return to({ kind: 'leased', owner: event.owner, until: event.until }, { attempts: entry.attempts + 1 });
    }
    case 'attempted':
      return state.kind === 'leased' ? attempted(entry, event.result, timing, now, jitter) : refused('leased');
    case 'refused': {
      if (state.kind !== 'leased') return refused('leased');
      const last = lastAttempt(entry, event.result, now);
      return to({ kind: 'refused' }, { last }, [note('refused', last.host, last.said)]);
    }
    case 'expired':
      if (state.kind !== 'leased' && state.kind !== 'waiting') return refused('on its way');
      return isExpired(entry, now) ? failed(entry, expiry(entry), timing) : refused('past its expiry');
    case 'leaseLost':
      if (state.kind !== 'leased' || state.until > now) return refused('leased, and the lease run out');
      return to({ kind: 'waiting', due: nextTry(entry, timing, now, jitter) });
    case 'putBack':
      if (state.kind !== 'leased') return refused('leased');
      return to(
        { kind: 'waiting', due: Math.min(event.due ?? now, Math.max(entry.expiresAt, now)) },
        { attempts: Math.max(entry.attempts - 1, 0) },
      );
    case 'waited':
      return state.kind === 'leased' ? waited(entry, event, timing, now) : refused('leased');
    case 'hold':
      if (state.kind !== 'waiting') return refused('waiting');
      return to({ kind: 'held', by: event.by, why: event.why }, {}, [note('held', '', event.why)]);
    case 'release':
      if (state.kind !== 'held' && state.kind !== 'quarantined') return refused('held or in quarantine');
      // It starts anew: what it waited for a person is not counted against it.
      return to({ kind: 'waiting', due: now }, { attempts: 0, expiresAt: now + lifetime(entry, timing) }, [
        note('released', '', ''),
      ]);
    case 'retry':
      if (state.kind !== 'waiting') return refused('waiting');
      // Who asks for a try gets one: past its expiry it would only end.
      return to(
        { kind: 'waiting', due: now },
        isExpired(entry, now) ? { expiresAt: now + lifetime(entry, timing) } : {},
      );
    case 'remove':
      if (state.kind !== 'waiting' && state.kind !== 'held' && state.kind !== 'quarantined')
        return refused('waiting, held or in quarantine');
      return to({ kind: 'removed' }, {}, [note('removed', '', event.why)]);
  }
}

const WORD: { readonly [kind in EntryEvent['kind']]: string } = {
  leased: 'lease',
  attempted: 'settle',
  refused: 'end',
  expired: 'expire',
  leaseLost: 'take back',
  putBack: 'put back',
  waited: 'put off',
  hold: 'hold',
  release: 'release',
  retry: 'retry',
  remove: 'remove',
};

function attempted(
  entry: QueueEntry,
  result: AttemptResult,
  timing: RouteTiming,
  now: Timestamp,
  jitter: number,
): Transition {
  const last = lastAttempt(entry, result, now);
  switch (result.kind) {
    case 'delivered': {
      const action = tellsSuccess(entry, result.to);
      const report: Report | undefined = action && {
        action,
        status: result.reply.enhanced || '2.0.0',
        host: result.host,
        reply: result.reply,
        said: last.said,
        at: now,
      };
      return {
        kind: 'moved',
        next: { ...entry, last, state: { kind: 'delivered' } },
        effects: [
          note('delivered', last.host, withSecurity(last.said, result.security)),
          ...(report ? [{ kind: 'tell' as const, report }] : []),
        ],
      };
    }
    case 'permanent': {
      const status = result.reply.enhanced || '5.0.0';
      const { host, reply } = result;
      return failed({ ...entry, last }, { action: 'failed', status, host, reply, said: last.said, at: now }, timing);
    }
    case 'transient':
    case 'indeterminate':
      return deferred({ ...entry, last }, result, timing, now, jitter);
  }
}

function deferred(
  entry: QueueEntry & { readonly last: LastAttempt },
  result: AttemptResult & { readonly kind: 'transient' | 'indeterminate' },
  timing: RouteTiming,
  now: Timestamp,
  jitter: number,
): Transition {
  if (isExpired(entry, now)) return failed(entry, expiry(entry), timing);
  const due = nextTry(entry, timing, now, jitter);
  const { host, said, enhanced } = entry.last;
  const effects: Effect[] = [note('deferred', host, said)];
  const tells = tellsDelay(entry, timing, now);
  if (tells) {
    const reply = result.kind === 'transient' ? result.reply : null;
    effects.push({
      kind: 'tell',
      report: { action: 'delayed', status: enhanced || '4.0.0', host, reply, said, at: now },
    });
  }
  return {
    kind: 'moved',
    next: { ...entry, delayNotified: entry.delayNotified || tells, state: { kind: 'waiting', due } },
    effects,
  };
}

/** Whether or not anybody may be told: it is asked once. */
function waited(
  entry: QueueEntry,
  { why, status }: Extract<EntryEvent, { kind: 'waited' }>,
  timing: RouteTiming,
  now: Timestamp,
): Transition {
  const { last } = entry;
  const said = last === null ? why : `${why}; ${sayLast(last)}`;
  const at = last?.at ?? null;
  // A host is named where it is its silence that is reported (RFC 3464 §2.3.5).
  const host = status === '4.4.1' ? (last?.host ?? '') : '';
  const report: Report = { action: 'delayed', status, host, reply: null, said, at };
  return {
    kind: 'moved',
    next: {
      ...entry,
      attempts: Math.max(entry.attempts - 1, 0),
      delayNotified: true,
      state: { kind: 'waiting', due: now },
    },
    effects: tellsDelay(entry, timing, now) ? [{ kind: 'tell', report }] : [],
  };
}

/** The end of an entry that will not be delivered: by a notification, or with the postmaster. */
function failed(entry: QueueEntry, report: Report, timing: RouteTiming): Transition {
  if (tellsFailure(entry, timing))
    return {
      kind: 'moved',
      next: { ...entry, state: { kind: 'bounced' } },
      effects: [note('bounced', report.host, report.said), { kind: 'tell', report }],
    };
  return {
    kind: 'moved',
    next: { ...entry, state: { kind: 'quarantined' } },
    effects: [note('quarantined', report.host, report.said), { kind: 'quarantine', reason: report.said }],
  };
}

/** How it was kept from others on the way, beside what the host said. */
const withSecurity = (said: string, security = ''): string => (security === '' ? said : `${said} [${security}]`);

const note = (event: Extract<Effect, { kind: 'note' }>['event'], by: string, text: string): Effect => ({
  kind: 'note',
  event,
  by,
  text,
});

function expiry({ last }: QueueEntry): Report {
  // RFC 3463 §3.5: X.4.7, delivery time expired, where nothing says what the trouble was: "if possible, the code for the actual
  // problem found when delivery was attempted should be returned rather than this code".
  if (last === null) return { action: 'failed', status: EXPIRED, host: '', reply: null, said: NEVER_TRIED, at: null };
  const { host, at, enhanced } = last;
  const said = `its time is over; ${sayLast(last)}`;
  return { action: 'failed', status: enhanced || EXPIRED, host, reply: null, said, at };
}

const EXPIRED = '4.4.7';
const NEVER_TRIED = 'its time was over before it could be tried';

const sayLast = ({ host, said }: LastAttempt): string => `the last attempt${host && `, at ${host}`}: ${said}`;

function lastAttempt(entry: QueueEntry, result: AttemptResult, at: Timestamp): LastAttempt {
  const before = entry.last?.onlyAt ?? '';
  const { host } = result;
  switch (result.kind) {
    case 'delivered':
    case 'permanent':
      return { at, host, said: sayReply(result.reply), enhanced: result.reply.enhanced, onlyAt: before };
    case 'transient': {
      // A host that greets with 554 has said so; what it means for the message is that it waits (RFC 3463 §2: class 4).
      const enhanced = result.reply === null ? '4.4.1' : result.reply.enhanced.replace(/^5/, '4');
      const said = result.reply ? sayReply(result.reply) : result.cause;
      return { at, host, said, enhanced, onlyAt: before };
    }
    case 'indeterminate':
      return { at, host, said: result.cause, enhanced: '4.4.2', onlyAt: host };
  }
}

/** `550 5.1.1 no such user`, on one line. Text from outside: whoever shows it escapes it. */
export function sayReply(reply: Reply): string {
  return [String(reply.code), reply.enhanced, reply.text].filter((part) => part !== '').join(' ');
}
