/** From what came of an attempt to what the store keeps: the entry's next form, its events, and the notifications it owes. */
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Lease, Notification, Settlement } from '../ports/queue.ts';
import type { ReportedRecipient } from '../queue/dsn.ts';
import type { QueueEntry } from '../queue/entry.ts';
import type { RouteTiming } from '../queue/route.ts';
import { type Effect, type EntryEvent, transition } from '../queue/transition.ts';
import type { RecordEvent } from '../record/record.ts';
import type { DispatchWorld } from './dispatch-world.ts';
import { notification, type Owed } from './notify.ts';
import { OURSELVES, routeTo } from './routing.ts';
import { SettleUp } from './settle-up.ts';

/** A lease with less left than this may be lost to another worker, and a notification for several would be lost with it. */
const SAFE_LEASE: Millis = 60_000;
/** When a notification cannot be written, what it speaks of is looked at again after this. */
const NOTIFY_RETRY: Millis = 5 * 60_000;

interface Outcome {
  readonly lease: Lease;
  readonly next: QueueEntry;
  readonly effects: readonly Effect[];
}

export class Conclude {
  readonly #world: DispatchWorld;
  readonly #settleUp: SettleUp;
  readonly #never = new AbortController().signal;

  constructor(world: DispatchWorld) {
    this.#world = world;
    this.#settleUp = new SettleUp(world.queue, world.content, world.clock, world.log);
  }

  stop(): void {
    this.#settleUp.stop();
  }

  /** An event for each lease of one message. Resolves when all of it is kept: true when a notification is. Does not reject. */
  async conclude(leases: readonly Lease[], events: readonly EntryEvent[]): Promise<boolean> {
    const now = this.#world.clock.now();
    const outcomes = leases.map((lease, n) => this.#outcome(lease, events[n]!, now));
    const settlements = outcomes.map((outcome) => settlement(outcome, now));
    if (events.some(({ kind }) => kind === 'refused')) this.#toldOnTheWire(leases[0]!.entry);
    const told = this.#together(outcomes, now);
    for (const group of told) await this.#notify(group, outcomes, settlements, now);
    await Promise.all(settlements.map((one) => this.#settleUp.add(one)));
    return settlements.some(({ notifications }) => notifications.length > 0);
  }

  /** Counted as the notification is that the sender would have had: else a stolen account would go unnoticed where routes cut through. */
  #toldOnTheWire({ sender, reversePath }: QueueEntry): void {
    if (sender !== 'unverified' && reversePath.kind === 'mailbox') this.#world.bounced?.(reversePath.mailbox.address);
  }

  #outcome(lease: Lease, event: EntryEvent, now: Timestamp): Outcome {
    const { dice, log } = this.#world;
    const moved = transition(lease.entry, event, this.#timing(lease.entry), now, dice.random());
    if (moved.kind === 'moved') return { lease, next: moved.next, effects: moved.effects };
    // Cannot be, as every lease is held by us; were it so, the entry would go back rather than be lost.
    log.error('queue.refused', { why: moved.why });
    return { lease, next: { ...lease.entry, state: { kind: 'waiting', due: now + NOTIFY_RETRY } }, effects: [] };
  }

  /** Of the entry's route; where no route leads to its sender nobody can be told. */
  #timing(entry: QueueEntry): RouteTiming {
    const installation = this.#world.installation();
    const timing = installation.routes.get(entry.route) ?? {
      ...installation.queue,
      name: entry.route,
      refusedAfterAccept: 'dsn_if_verified' as const,
    };
    const { reversePath } = entry;
    const reachable = reversePath.kind === 'mailbox' && routeTo(reversePath.mailbox, OURSELVES, installation) !== '';
    return reachable ? timing : { ...timing, delayNotice: 'never', refusedAfterAccept: 'quarantine' };
  }

  /** Places in `outcomes` whose reports go into one notification: of one kind, and with leases that will be there. */
  #together(outcomes: readonly Outcome[], now: Timestamp): readonly (readonly number[])[] {
    const groups = new Map<string, number[]>();
    outcomes.forEach(({ lease, effects }, n) => {
      const tell = effects.find((effect) => effect.kind === 'tell');
      if (tell === undefined) return;
      const key = lease.until - now > SAFE_LEASE ? tell.report.action : `${n}`;
      groups.set(key, [...(groups.get(key) ?? []), n]);
    });
    return [...groups.values()];
  }

  async #notify(group: readonly number[], outcomes: readonly Outcome[], settlements: Settlement[], now: Timestamp) {
    const { installation, content, signingKeys, queue, newId, log } = this.#world;
    const first = group[0]!;
    const { entry } = outcomes[first]!.lease;
    const owed: Owed = {
      entry,
      recipients: group.map((n) => reported(outcomes[n]!)),
      open: (signal) => queue.read(entry.contentRef, signal),
    };
    try {
      const made = await notification(owed, newId(), now, installation(), content, signingKeys, log, this.#never);
      settlements[first] = { ...settlements[first]!, notifications: [made] };
      if (owed.recipients[0]!.report.action === 'failed' && entry.reversePath.kind === 'mailbox')
        this.#world.bounced?.(entry.reversePath.mailbox.address);
      for (const n of group) settlements[n] = withEvent(settlements[n]!, made, owed.recipients[0]!.report.action, now);
    } catch (error) {
      log.error('notification.failed', { entry: entry.id, error: String(error) });
      for (const n of group) settlements[n] = untold(settlements[n]!, outcomes[n]!, now);
    }
  }
}

function settlement({ lease, next, effects }: Outcome, now: Timestamp): Settlement {
  const recipient = recipientNumber(lease.entry);
  const { recordId } = lease.entry;
  return {
    lease,
    next,
    events: effects.flatMap((effect): RecordEvent[] =>
      effect.kind === 'note'
        ? [{ recordId, at: now, recipient, kind: effect.event, by: effect.by, text: effect.text }]
        : [],
    ),
    notifications: [],
    quarantine: effects.flatMap((effect) =>
      effect.kind === 'quarantine'
        ? [
            {
              id: lease.entry.id,
              recordId,
              at: now,
              class: 'undeliverable' as const,
              reason: effect.reason,
              rule: '',
              entry: next,
            },
          ]
        : [],
    ),
  };
}

function withEvent(settlement: Settlement, made: Notification, action: string, at: Timestamp): Settlement {
  const { recordId } = settlement.next;
  const event: RecordEvent = {
    recordId,
    at,
    recipient: recipientNumber(settlement.next),
    kind: 'notified',
    by: made.entry.recordId,
    text: `${action}, to <${made.entry.recipient}>`,
  };
  return { ...settlement, events: [...settlement.events, event] };
}

/** Nobody's mail ends in silence: what would end with the notification, or was put off with one, owes it still. */
function untold(settlement: Settlement, { lease, next }: Outcome, now: Timestamp): Settlement {
  if (next.state.kind === 'bounced') {
    const state = { kind: 'waiting', due: now + NOTIFY_RETRY } as const;
    return { lease, next: { ...next, state }, events: [], notifications: [], quarantine: [] };
  }
  if (next.state.kind === 'waiting') {
    const due = next.state.due > now ? next.state.due : now + NOTIFY_RETRY;
    return { ...settlement, next: { ...next, delayNotified: false, state: { kind: 'waiting', due } } };
  }
  return settlement; // delivered: that the sender does not hear of it is in the log
}

function reported({ lease, effects }: Outcome): ReportedRecipient {
  const tell = effects.find((effect) => effect.kind === 'tell')!;
  const { recipient, dsn, expiresAt } = lease.entry;
  return { recipient, orcpt: dsn.orcpt, report: tell.report, retryUntil: expiresAt };
}

/** `<record id>.<n>`. */
const recipientNumber = (entry: QueueEntry): number => Number(entry.id.slice(entry.id.lastIndexOf('.') + 1));
