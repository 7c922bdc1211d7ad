/** Queue entries and routes for tests: whole, plain, and changed where a test cares. */
import type { Mailbox, ReversePath } from '../../src/mail/envelope.ts';
import { hours, minutes } from '../../src/mail/time.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { RouteTiming } from '../../src/queue/route.ts';

export const T0 = Date.UTC(2026, 10, 22, 10, 0, 0);

export function mailbox(address: string): Mailbox {
  const at = address.lastIndexOf('@');
  return { local: address.slice(0, at), domain: address.slice(at + 1), address };
}

export const from = (address: string): ReversePath =>
  address === '' ? { kind: 'null' } : { kind: 'mailbox', mailbox: mailbox(address) };

export function anEntry(changes: Partial<QueueEntry> = {}): QueueEntry {
  return {
    id: '3f9k2m7q0d5xa.1',
    recordId: '3f9k2m7q0d5xa',
    reversePath: from('alice@sender.test'),
    recipient: 'bob@store.test',
    domain: 'store.test',
    route: 'store',
    contentRef: 'c1',
    contentSize: 0,
    prefix: '',
    edits: [],
    body: '7BIT',
    utf8: false,
    sender: 'verified',
    dsn: { notify: [], orcpt: '', ret: '', envid: '' },
    notification: false,
    admittedAt: T0,
    expiresAt: T0 + hours(5 * 24),
    attempts: 0,
    last: null,
    delayNotified: false,
    state: { kind: 'waiting', due: T0 },
    ...changes,
  };
}

export const aTiming: RouteTiming = {
  name: 'store',
  retry: [minutes(5), minutes(10), hours(1)],
  expire: hours(5 * 24),
  delayNotice: hours(4),
  refusedAfterAccept: 'dsn_if_verified',
};
