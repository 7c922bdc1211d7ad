/** Where records leave the gateway: made discreet once, then kept by the store, then told to whoever reads along. */
import type { Admission, Notification, QueueStore, RecordStore } from '../ports/queue.ts';
import type { RecordEvent, TransactionRecord } from '../record/record.ts';
import { type Redaction, redact } from '../record/redact.ts';

/** Hears of what was kept. Must not throw. */
export interface Told {
  record(record: TransactionRecord, events: readonly RecordEvent[]): void;
  /** What happened later. */
  events(events: readonly RecordEvent[]): void;
}

export interface Outlet {
  readonly queue: Pick<
    QueueStore,
    'admit' | 'lease' | 'leaseOverdue' | 'settle' | 'renew' | 'nextDue' | 'suspensions' | 'suspend' | 'read'
  >;
  readonly records: Pick<RecordStore, 'append' | 'addEvents'>;
}

export function recordOutlet(
  store: { readonly queue: QueueStore; readonly records: RecordStore },
  redaction: Redaction,
  told: Told,
): Outlet {
  const { queue, records } = store;
  const discreet = (notifications: readonly Notification[]): readonly Notification[] =>
    notifications.map((one) => ({ ...one, record: redact(one.record, redaction) }));
  const tell = (notifications: readonly Notification[]): void => {
    for (const { record } of notifications) told.record(record, []);
  };
  return {
    queue: {
      admit: async (admission) => {
        const notifications = discreet(admission.notifications ?? []);
        const kept: Admission = { ...admission, record: redact(admission.record, redaction), notifications };
        const leases = await queue.admit(kept);
        told.record(kept.record, kept.events);
        tell(notifications);
        return leases;
      },
      settle: async (settlements) => {
        const kept = settlements.map((one) =>
          one.notifications.length === 0 ? one : { ...one, notifications: discreet(one.notifications) },
        );
        const came = await queue.settle(kept);
        for (const [n, { events, notifications }] of kept.entries()) {
          if (came[n] === 'lost') continue;
          told.events(events);
          tell(notifications);
        }
        return came;
      },
      lease: (wish) => queue.lease(wish),
      leaseOverdue: (wish) => queue.leaseOverdue(wish),
      suspensions: () => queue.suspensions(),
      suspend: (suspension) => queue.suspend(suspension),
      renew: (leases, until) => queue.renew(leases, until),
      nextDue: (now, lanes) => queue.nextDue(now, lanes),
      read: (ref, signal) => queue.read(ref, signal),
    },
    records: {
      append: (record, events) => {
        const kept = redact(record, redaction);
        records.append(kept, events);
        told.record(kept, events);
      },
      addEvents: async (events) => {
        await records.addEvents(events);
        told.events(events);
      },
    },
  };
}
