/** Records, entries and content that are right in every field, for tests that care about one of them. */
import type { ContentStore, SpooledContent } from '../../src/ports/content.ts';
import type { Admission, QuarantineItem } from '../../src/ports/queue.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { formatId } from '../../src/record/id.ts';
import type { RecipientRecord, RecordEvent, TransactionRecord } from '../../src/record/record.ts';

export const NOON = Date.UTC(2026, 10, 22, 12);

/** An id drawn at `at`, the nth of its millisecond. */
export const sampleId = (at: number = NOON, n = 0): string => formatId(at, 1, n);

export function sampleRecipient(changes: Partial<RecipientRecord> = {}): RecipientRecord {
  return {
    number: 1,
    address: 'bob@example.com',
    facts: {},
    checks: [],
    decisions: [],
    calls: {},
    modifications: [],
    notes: [],
    score: 0,
    verdict: 'accept',
    rule: '',
    reason: 'otherwise',
    stage: 'data',
    reply: { code: 250, enhanced: '2.1.5', text: 'recipient ok' },
    outcome: 'queued',
    why: '',
    ...changes,
  };
}

export function sampleRecord(id: string, changes: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    version: 1,
    id,
    kind: 'transaction',
    node: 'mx1',
    at: NOON,
    took: 3,
    listener: 'mx',
    policy: 'inbound',
    bundle: '0123456789abcdef0123456789abcdef',
    facts: {
      client: { ip: '192.0.2.1', network: '192.0.2.0/24', name: 'mail.example.org', user: '' },
      mail: { address: 'alice@example.org', domain: 'example.org' },
      from: { address: 'alice@example.org', domain: 'example.org' },
    },
    checks: [],
    dns: [],
    stages: ['connect', 'helo', 'mail', 'rcpt', 'data'],
    session: { decisions: [], calls: {}, end: null },
    recipients: [sampleRecipient()],
    message: { id: `<${id}@example.org>`, from: 'alice@example.org', subject: 'Hello', size: 12, sha256: '' },
    replies: [],
    count: 1,
    ...changes,
  };
}

export function sampleEntry(recordId: string, contentRef: string, changes: Partial<QueueEntry> = {}): QueueEntry {
  return {
    id: `${recordId}.1`,
    recordId,
    reversePath: {
      kind: 'mailbox',
      mailbox: { local: 'alice', domain: 'example.org', address: 'alice@example.org' },
    },
    recipient: 'bob@example.com',
    domain: 'example.com',
    route: 'store',
    contentRef,
    contentSize: 12,
    prefix: 'Received: from mail.example.org\r\n',
    edits: [],
    body: '7BIT',
    utf8: false,
    sender: 'unverified',
    dsn: { notify: [], orcpt: '', ret: '', envid: '' },
    notification: false,
    admittedAt: NOON,
    expiresAt: NOON + 5 * 86_400_000,
    attempts: 0,
    last: null,
    delayNotified: false,
    state: { kind: 'waiting', due: NOON },
    ...changes,
  };
}

export function sampleItem(entry: QueueEntry, changes: Partial<QuarantineItem> = {}): QuarantineItem {
  return {
    id: entry.id,
    recordId: entry.recordId,
    at: NOON,
    class: 'spam',
    reason: 'spam score 7',
    rule: 'spam',
    entry: { ...entry, state: { kind: 'quarantined' } },
    ...changes,
  };
}

export const sampleEvent = (recordId: string, kind: RecordEvent['kind'], text = ''): RecordEvent => ({
  recordId,
  at: NOON,
  recipient: 1,
  kind,
  by: 'test',
  text,
});

export async function spool(store: ContentStore, text: string | Uint8Array): Promise<SpooledContent> {
  const writer = store.create();
  if (!writer.write(Buffer.from(text))) await writer.drained();
  return writer.finish();
}

/** One message for one recipient, waiting. */
export function sampleAdmission(id: string, content: SpooledContent, changes: Partial<QueueEntry> = {}): Admission {
  return {
    record: sampleRecord(id),
    events: [sampleEvent(id, 'queued')],
    content,
    entries: [sampleEntry(id, content.ref, changes)],
    quarantine: [],
  };
}

export async function octetsOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}
