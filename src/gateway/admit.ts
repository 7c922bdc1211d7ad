/** Turns a decided message into what the store commits: the record, the content, an entry or a kept copy for each recipient. */
import { clean } from '../mail/reply.ts';
import { ruleOf } from '../policy/course.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Admission, LeaseRequest, QuarantineItem } from '../ports/queue.ts';
import type { EntryState, QueueEntry, SenderStanding } from '../queue/entry.ts';
import type { TransactionRecord } from '../record/record.ts';
import type { HeaderFacts } from './edge.ts';
import { copyFor, entryFor } from './entry-for.ts';
import { missingFields } from './missing-fields.ts';
import { type Expanded, type Refused, tellAtOnce } from './refused-after.ts';
import { hearsOfSuccess } from './sender.ts';
import type { SessionState } from './session-state.ts';
import { handsFor } from './signing/hands.ts';
import { Stamps } from './signing/stamps.ts';
import { authenticationResultsField, forgedResults, receivedField } from './trace-fields.ts';
import type { Copy, RecipientState, TransactionState } from './transaction.ts';

export async function admission(
  s: SessionState,
  tx: TransactionState,
  content: SpooledContent,
  read: HeaderFacts,
  record: TransactionRecord,
  sender: SenderStanding,
  lease: LeaseRequest | undefined,
): Promise<Admission> {
  const { hostname } = s.current.installation;
  const results = authenticationResultsField(record.facts, s.policy, hostname, s.helo.name);
  const prefix = receivedOf(s, tx, record) + results;
  // The last step, after every edit. What is kept aside too: released, it leaves as it lies there.
  // Who is ours signs, also what nobody is told of: an automatic answer.
  const standing = s.user !== '' ? 'authenticated' : s.trusted ? 'trusted' : sender;
  const stamps = new Stamps(content, standing, handsFor(s, tx.path, record.facts, read, results));
  const stamp = (entry: QueueEntry): Promise<QueueEntry> =>
    stamps.stamp(entry, s.current.installation.routes.get(entry.route));
  const ours = [...forgedResults(read, hostname), ...missingFields(s, tx, read)];
  const entries: QueueEntry[] = [];
  const quarantine: QuarantineItem[] = [];
  const refused: Refused[] = [];
  const expanded: Expanded[] = [];
  for (const recipient of tx.recipients) {
    const { edits, copies } = recipient.changes;
    const one = { recipient, content, prefix, sender };
    const make = (state: EntryState, instead?: Copy & { readonly kind: 'alias' }): QueueEntry =>
      entryFor(s, tx, { ...one, edits: [...ours, ...edits], state, ...(instead === undefined ? {} : { instead }) });
    let state: EntryState | undefined;
    switch (recipient.outcome) {
      case 'queued':
        state = { kind: 'waiting', due: tx.at };
        entries.push(await stamp(make(state)));
        break;
      case 'held':
        state = { kind: 'held', why: recipient.why, by: 'rule' };
        entries.push(await stamp(make(state)));
        break;
      case 'quarantined':
        quarantine.push(itemFor(tx, recipient, await stamp(make(QUARANTINED))));
        break;
      case 'bounced':
        refused.push({ recipient, entry: make({ kind: 'bounced' }) });
        break;
      case 'discarded':
      case 'refused':
      case 'deferred':
      case 'not_taken':
      case 'duplicate':
      case 'none':
        break;
    }
    if (
      recipient.outcome === 'queued' &&
      copies.some(({ kind }) => kind === 'alias') &&
      hearsOfSuccess(s, tx, recipient, sender)
    )
      expanded.push({ recipient, entry: entries.at(-1)! });
    for (const copy of copies) {
      if (copy.kind === 'original') {
        const original = entryFor(s, tx, { ...one, edits: [...ours, ...copy.edits], state: QUARANTINED });
        quarantine.push(originalFor(tx, recipient, await stamp({ ...original, id: `${tx.id}.${copy.number}` }), copy));
      } else if (copy.kind === 'alias' && recipient.outcome === 'quarantined')
        quarantine.push(itemFor(tx, recipient, await stamp(make(QUARANTINED, copy))));
      else if (state !== undefined)
        entries.push(await stamp(copy.kind === 'alias' ? make(state, copy) : copyFor(s, make(state), copy)));
    }
  }
  const told = await tellAtOnce(s, tx, { refused, expanded }, content);
  const { maxBytes } = s.current.installation.quarantine;
  return {
    record,
    ...told,
    events: [...stamps.events(tx.id, tx.at), ...told.events],
    content,
    entries,
    quarantine,
    quarantineMaxBytes: maxBytes,
    ...(lease === undefined ? {} : { lease }),
  };
}

function receivedOf(s: SessionState, tx: TransactionState, record: TransactionRecord): string {
  const hostname = s.current.installation.hostname;
  const client = record.facts.client as { readonly name?: string };
  const [only, another] = tx.recipients.filter((recipient) => recipient.taken);
  return receivedField({
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
}

function itemFor(tx: TransactionState, recipient: RecipientState, entry: QueueEntry): QuarantineItem {
  const { disposition, rule } = recipient.course;
  const { aside } = recipient;
  return {
    id: entry.id,
    recordId: tx.id,
    at: tx.at,
    // A refused recipient of a message that others took (docs/policy.md §5).
    class: aside?.class ?? (disposition.kind === 'quarantine' ? disposition.class : 'mixed'),
    reason: recipient.why,
    rule: rule === '' && aside !== undefined ? ruleOf(aside.by) : rule,
    entry,
  };
}

/** What attachments were taken out of, kept so that they can be asked for. */
function originalFor(tx: TransactionState, recipient: RecipientState, entry: QueueEntry, copy: Copy): QuarantineItem {
  const names = recipient.changes.removed.map(({ name }) => name || 'one without a name').join(', ');
  return {
    id: entry.id,
    recordId: tx.id,
    at: tx.at,
    class: 'attachment',
    reason: clean(`removed from what was delivered: ${names}`, REASON_MAX),
    rule: ruleOf(copy.by),
    entry,
  };
}

const REASON_MAX = 500; // characters: a line or two of a listing
const QUARANTINED: EntryState = { kind: 'quarantined' };
