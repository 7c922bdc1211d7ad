/** Writes the notification that a transition owes: its text, its place in the queue and its record. */
import type { Installation } from '../config/installation.ts';
import { HEADER_OCTETS_MAX } from '../mail/header.ts';
import type { Timestamp } from '../mail/time.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';
import type { Notification } from '../ports/queue.ts';
import { composeDsn, type ReportedRecipient } from '../queue/dsn.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { RECORD_VERSION, type TransactionRecord } from '../record/record.ts';
import { builtinReply } from './builtin.ts';

/** A report with more of the message than this carries its header only, whatever RET says: the sender has the message. */
const ORIGINAL_OCTETS_MAX = 256 * 1024;

export interface Owed {
  /** The entry that is reported; those beside it share its message. */
  readonly entry: QueueEntry;
  readonly recipients: readonly ReportedRecipient[];
  /** The message as it was received. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The name of the route to a domain; '' where nothing may leave. */
export function routeTo(domain: string, installation: Installation): string {
  return installation.domains.get(domain)?.route ?? installation.defaultRoute;
}

export async function notification(
  owed: Owed,
  id: string,
  at: Timestamp,
  installation: Installation,
  content: ContentStore,
  log: Log,
  signal: AbortSignal,
): Promise<Notification> {
  const { entry } = owed;
  if (entry.reversePath.kind === 'null')
    throw new RangeError(`Cannot notify the sender of "${entry.id}" as it must have one: its reverse-path is null`);
  const to = entry.reversePath.mailbox;
  const route = routeTo(to.domain, installation);
  const timing = installation.routes.get(route);
  if (timing === undefined) throw new RangeError(`Cannot notify ${to.address} as a route must lead there: none does`);
  const failed = owed.recipients[0]?.report.action === 'failed';
  const octets = composeDsn({
    id,
    hostname: installation.hostname,
    to: to.address,
    at,
    arrivedAt: entry.admittedAt,
    envid: entry.dsn.envid,
    recordId: entry.recordId,
    recipients: owed.recipients,
    // RFC 3461 §4.3: RET speaks of failures alone.
    original: await original(owed, failed && entry.dsn.ret === 'FULL', log, signal),
  });
  const writer = content.create();
  writer.write(octets);
  const spooled = await writer.finish();
  return {
    content: spooled,
    record: notificationRecord(id, at, installation, spooled, entry, to.address),
    entry: {
      id: `${id}.1`,
      recordId: id,
      reversePath: { kind: 'null' }, // RFC 5321 §4.5.5
      recipient: to.address,
      domain: to.domain,
      route,
      contentRef: spooled.ref,
      contentSize: spooled.size,
      prefix: '',
      edits: [],
      body: octets.some((octet) => octet > 127) ? '8BITMIME' : '7BIT',
      utf8: /[^\x00-\x7f]/.test(to.address),
      sender: 'unverified',
      dsn: { notify: ['NEVER'], orcpt: '', ret: '', envid: '' }, // RFC 3461 §6.2, as it wants of a DSN's own envelope
      notification: true,
      admittedAt: at,
      expiresAt: at + timing.expire,
      attempts: 0,
      last: null,
      delayNotified: false,
      state: { kind: 'waiting', due: at },
    },
  };
}

async function original({ entry, open }: Owed, full: boolean, log: Log, signal: AbortSignal) {
  const whole = full && entry.contentSize <= ORIGINAL_OCTETS_MAX;
  const chunks: Uint8Array[] = [];
  let gathered = 0;
  try {
    for await (const chunk of open(signal)) {
      chunks.push(chunk);
      gathered += chunk.length;
      if (!whole && (gathered >= HEADER_OCTETS_MAX || Buffer.concat(chunks).includes('\r\n\r\n'))) break;
    }
  } catch (error) {
    // The sender must hear even so, or a damaged message would wait for ever.
    log.error('notification.without_original', { entry: entry.id, error: String(error) });
    return { octets: new Uint8Array(), whole: false, utf8: entry.utf8 };
  }
  const octets = Buffer.concat(chunks);
  const end = octets.indexOf('\r\n\r\n');
  return {
    octets: whole ? octets : octets.subarray(0, end < 0 ? HEADER_OCTETS_MAX : end + 2),
    whole,
    utf8: entry.utf8,
  };
}

/** A transaction nobody connected for: no session, no checks, no rules. */
function notificationRecord(
  id: string,
  at: Timestamp,
  { hostname, node }: Installation,
  content: { readonly size: number; readonly sha256: string },
  about: QueueEntry,
  to: string,
): TransactionRecord {
  return {
    version: RECORD_VERSION,
    id,
    kind: 'transaction',
    node,
    at,
    took: 0,
    listener: '',
    policy: '',
    bundle: '',
    facts: {},
    checks: [],
    dns: [],
    stages: [],
    session: { decisions: [], calls: {}, end: null },
    recipients: [
      {
        number: 1,
        address: to,
        verdict: 'accept',
        rule: '',
        reason: 'builtin:notification',
        stage: 'rcpt',
        reply: builtinReply('notification', { id }),
        facts: {},
        checks: [],
        decisions: [],
        calls: {},
        modifications: [],
        notes: [],
        score: 0,
        outcome: 'queued',
        why: `notification about ${about.id}`,
      },
    ],
    message: {
      id: `<${id}@${hostname}>`,
      from: `MAILER-DAEMON@${hostname}`,
      subject: `notification about ${about.recordId}`,
      size: content.size,
      sha256: content.sha256,
    },
    replies: [],
    count: 1,
  };
}
