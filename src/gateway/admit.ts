/** Turns a decided message into what the store commits: the record, the content, an entry or a kept copy for each recipient. */

import { foldField } from '../mail/header.ts';
import type { Modification } from '../policy/disposition.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Admission, LeaseRequest, QuarantineItem } from '../ports/queue.ts';
import type { Edit, EntryState, QueueEntry, SenderStanding } from '../queue/entry.ts';
import type { TransactionRecord } from '../record/record.ts';
import type { HeaderFacts } from './edge.ts';
import { type Refused, tellRefused } from './refused-after.ts';
import type { SessionState } from './session-state.ts';
import { authenticationResultsField, forgedResults, receivedField } from './trace-fields.ts';
import type { RecipientState, TransactionState } from './transaction.ts';

export async function admission(
  s: SessionState,
  tx: TransactionState,
  content: SpooledContent,
  read: HeaderFacts,
  record: TransactionRecord,
  sender: SenderStanding,
  lease: LeaseRequest | undefined,
): Promise<Admission> {
  const prefix = prefixOf(s, tx, record);
  const forged = forgedResults(read, s.current.installation.hostname);
  const entries: QueueEntry[] = [];
  const quarantine: QuarantineItem[] = [];
  const refused: Refused[] = [];
  for (const recipient of tx.recipients) {
    const edits = [...forged, ...recipient.carry.modifications.flatMap(editOf)];
    const make = (state: EntryState): QueueEntry => entryFor(s, tx, recipient, content, prefix, edits, sender, state);
    switch (recipient.outcome) {
      case 'queued':
        entries.push(make({ kind: 'waiting', due: tx.at }));
        break;
      case 'held':
        entries.push(make({ kind: 'held', why: recipient.why, by: 'rule' }));
        break;
      case 'quarantined':
        quarantine.push(itemFor(tx, recipient, make({ kind: 'quarantined' })));
        break;
      case 'bounced':
        refused.push({ recipient, entry: make({ kind: 'bounced' }) });
        break;
      case 'discarded':
      case 'refused':
      case 'deferred':
      case 'not_taken':
      case 'none':
        break;
    }
  }
  const told = await tellRefused(s, tx, refused, content);
  const { maxBytes } = s.current.installation.quarantine;
  return {
    record,
    ...told,
    content,
    entries,
    quarantine,
    quarantineMaxBytes: maxBytes,
    ...(lease === undefined ? {} : { lease }),
  };
}

function prefixOf(s: SessionState, tx: TransactionState, record: TransactionRecord): string {
  const hostname = s.current.installation.hostname;
  const client = record.facts.client as { readonly name?: string };
  const [only, another] = tx.recipients.filter((recipient) => recipient.taken);
  const received = receivedField({
    hostname,
    helo: s.helo.name,
    verb: s.helo.verb,
    clientName: client.name ?? '',
    clientIp: s.client.ip,
    tls: s.tls,
    authenticated: s.user !== '',
    utf8: tx.parameters.utf8 === true,
    id: tx.id,
    recipient: another === undefined ? only?.recipient.mailbox.address : undefined,
    at: tx.at,
  });
  return received + authenticationResultsField(record.facts, s.policy, hostname, s.helo.name);
}

function entryFor(
  s: SessionState,
  tx: TransactionState,
  recipient: RecipientState,
  content: SpooledContent,
  prefix: string,
  edits: readonly Edit[],
  sender: SenderStanding,
  state: EntryState,
): QueueEntry {
  const { installation } = s.current;
  const chosen = recipient.carry.modifications.findLast((one) => one.kind === 'route');
  const name = chosen?.route ?? recipient.route;
  const route = installation.routes.get(name);
  if (route === undefined) throw new RangeError(`Cannot route to "${name}" as a route of that name must be configured`);
  const { parameters } = recipient.recipient;
  return {
    id: `${tx.id}.${recipient.number}`,
    recordId: tx.id,
    reversePath: tx.path,
    recipient: recipient.recipient.mailbox.address,
    domain: recipient.recipient.mailbox.domain,
    route: name,
    contentRef: content.ref,
    contentSize: content.size,
    prefix,
    edits,
    body: tx.body,
    utf8: tx.parameters.utf8 === true,
    sender,
    dsn: {
      notify: parameters.notify ?? [],
      orcpt: parameters.orcpt ?? '',
      ret: tx.parameters.ret ?? '',
      envid: tx.parameters.envid ?? '',
    },
    notification: false,
    admittedAt: tx.at,
    expiresAt: tx.at + route.expire,
    attempts: 0,
    last: null,
    delayNotified: false,
    state,
  };
}

function itemFor(tx: TransactionState, recipient: RecipientState, entry: QueueEntry): QuarantineItem {
  const { disposition, rule } = recipient.course;
  return {
    id: entry.id,
    recordId: tx.id,
    at: tx.at,
    // A refused recipient of a message that others took (docs/policy.md §5).
    class: disposition.kind === 'quarantine' ? disposition.class : 'mixed',
    reason: recipient.why,
    rule,
    entry,
  };
}

function editOf(modification: Modification): Edit[] {
  switch (modification.kind) {
    case 'addHeader':
      return [{ kind: 'addField', field: foldField(modification.name, modification.value) }];
    case 'route':
      return [];
  }
}
