/** The promise to one recipient as an entry, and the one for a copy of it. */
import type { DsnNotify } from '../mail/envelope.ts';
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
  /** In place of the recipient's own target: one more that it stands for. */
  readonly instead?: Copy & { readonly kind: 'alias' };
}

export function entryFor(
  s: SessionState,
  tx: TransactionState,
  { recipient, content, prefix, edits, sender, state, instead }: EntryParts,
): QueueEntry {
  const target = instead ?? recipient.changes.target;
  const spread = recipient.changes.copies.some(({ kind }) => kind === 'alias');
  const chosen = recipient.carry.modifications.findLast((one) => one.kind === 'route');
  const name = chosen?.route ?? target?.route ?? recipient.route;
  const { mailbox, parameters } = recipient.recipient;
  const { address, domain } = target?.mailbox ?? mailbox;
  return {
    id: `${tx.id}.${instead?.number ?? recipient.number}`,
    recordId: tx.id,
    reversePath: tx.path,
    ...sentOn(s, tx, domain),
    recipient: address,
    domain,
    route: name,
    contentRef: content.ref,
    contentSize: content.size,
    prefix,
    edits,
    body: tx.body,
    utf8: tx.parameters.utf8 === true,
    ...tlsWish(tx),
    sender,
    ...(s.user === '' ? {} : { user: s.user }),
    dsn: {
      // Of one that becomes several, success was told when it did (RFC 3461 §5.2.7.3).
      notify: spread ? withoutSuccess(parameters.notify) : (parameters.notify ?? []),
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

/** RFC 8689 §4.1: what the client requires comes before what the header leaves open. */
function tlsWish({ parameters, tlsOptional }: TransactionState): Pick<QueueEntry, 'tls'> {
  if (parameters.requireTls === true) return { tls: 'required' };
  return tlsOptional ? { tls: 'optional' } : {};
}

const withoutSuccess = (notify: readonly DsnNotify[] = []): readonly DsnNotify[] => {
  const rest = notify.filter((wish) => wish !== 'SUCCESS');
  return notify.length > 0 && rest.length === 0 ? ['NEVER'] : rest;
};

/**
 * Mail from outside that leaves for outside is sent on by us: in its sender's own name the next host's SPF would fail. A report is
 * sent on as what it is, and so is a sender that fits no local part: their bounces would find nobody.
 */
function sentOn(s: SessionState, { path, report, at }: TransactionState, to: string): Pick<QueueEntry, 'mailFrom'> {
  const { srs, installation } = s.current;
  if (srs === undefined || path.kind === 'null' || s.user !== '' || s.trusted) return {};
  if (installation.domains.has(to) || installation.domains.has(path.mailbox.domain)) return {};
  const rewritten = report ? undefined : srs.forward(path.mailbox, at);
  return {
    mailFrom: rewritten?.kind === 'rewritten' ? { kind: 'mailbox', mailbox: rewritten.mailbox } : { kind: 'null' },
  };
}

/** The same octets to somebody of whom the sender knows nothing, and shall hear nothing: what fails is kept for the postmaster. */
export const copyFor = (
  s: SessionState,
  { mailFrom: _, ...entry }: QueueEntry,
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
