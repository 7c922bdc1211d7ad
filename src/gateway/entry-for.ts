/** The promise to one recipient as an entry, and the one for a copy of it. */
import type { SpooledContent } from '../ports/content.ts';
import type { Edit, EntryState, QueueEntry, SenderStanding } from '../queue/entry.ts';
import type { Route } from '../queue/route.ts';
import type { SessionState } from './session-state.ts';
import type { Copy, RecipientState, TransactionState } from './transaction.ts';

export interface EntryParts {
  readonly recipient: RecipientState;
  readonly content: SpooledContent;
  readonly prefix: string;
  readonly edits: readonly Edit[];
  readonly sender: SenderStanding;
  readonly state: EntryState;
}

export function entryFor(
  s: SessionState,
  tx: TransactionState,
  { recipient, content, prefix, edits, sender, state }: EntryParts,
): QueueEntry {
  const { target } = recipient.changes;
  const chosen = recipient.carry.modifications.findLast((one) => one.kind === 'route');
  const name = chosen?.route ?? target?.route ?? recipient.route;
  const { mailbox, parameters } = recipient.recipient;
  const { address, domain } = target?.mailbox ?? mailbox;
  return {
    id: `${tx.id}.${recipient.number}`,
    recordId: tx.id,
    reversePath: tx.path,
    recipient: address,
    domain,
    route: name,
    contentRef: content.ref,
    contentSize: content.size,
    prefix,
    edits,
    body: tx.body,
    utf8: tx.parameters.utf8 === true,
    sender,
    ...(s.user === '' ? {} : { user: s.user }),
    dsn: {
      notify: parameters.notify ?? [],
      // Whom the sender wrote to, so that a report speaks of nobody else (RFC 3461 §5.2.7.3).
      orcpt:
        parameters.orcpt ??
        (target === undefined || !/^[\x21-\x7e]+$/.test(mailbox.address) ? '' : `rfc822;${mailbox.address}`),
      ret: tx.parameters.ret ?? '',
      envid: tx.parameters.envid ?? '',
    },
    notification: false,
    admittedAt: tx.at,
    expiresAt: tx.at + routeOf(s, name).expire,
    attempts: 0,
    last: null,
    delayNotified: false,
    state,
  };
}

/** The same octets to somebody of whom the sender knows nothing, and shall hear nothing: what fails is kept for the postmaster. */
export const copyFor = (
  s: SessionState,
  entry: QueueEntry,
  { number, mailbox, route }: Copy & { readonly kind: 'bcc' },
): QueueEntry => ({
  ...entry,
  id: `${entry.recordId}.${number}`,
  reversePath: { kind: 'null' },
  recipient: mailbox.address,
  domain: mailbox.domain,
  route,
  sender: 'unverified',
  dsn: { notify: ['NEVER'], orcpt: '', ret: '', envid: '' },
  expiresAt: entry.admittedAt + routeOf(s, route).expire,
});

function routeOf(s: SessionState, name: string): Route {
  const route = s.current.installation.routes.get(name);
  if (route === undefined) throw new RangeError(`Cannot route to "${name}" as a route of that name must be configured`);
  return route;
}
