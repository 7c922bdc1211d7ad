/** Writes the notification that a transition owes: its text, its place in the queue and its record. */
import type { Installation } from '../config/installation.ts';
import { HEADER_OCTETS_MAX } from '../mail/header.ts';
import type { Timestamp } from '../mail/time.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';
import type { Notification } from '../ports/queue.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';
import { composeDsn, type ReportedRecipient } from '../queue/dsn.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { ownMail } from './own-mail.ts';
import { signedOwn } from './signing/own.ts';

/** A report with more of the message than this carries its header only, whatever RET says: the sender has the message. */
const ORIGINAL_OCTETS_MAX = 256 * 1024;

export interface Owed {
  /** The entry that is reported; those beside it share its message. */
  readonly entry: QueueEntry;
  readonly recipients: readonly ReportedRecipient[];
  /** The message as it was received. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export async function notification(
  owed: Owed,
  id: string,
  at: Timestamp,
  installation: Installation,
  content: ContentStore,
  keys: SigningKeys | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<Notification> {
  const { entry } = owed;
  if (entry.reversePath.kind === 'null')
    throw new RangeError(`Cannot notify the sender of "${entry.id}" as it must have one: its reverse-path is null`);
  const to = entry.reversePath.mailbox;
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
    // RFC 3461 §4.3: RET speaks of failures alone. Of what requires TLS no more than the header goes back, perhaps in plain
    // (RFC 8689 §5: "the RET=FULL MUST be disregarded").
    original: await original(owed, failed && entry.dsn.ret === 'FULL' && entry.tls !== 'required', log, signal),
  });
  const writer = content.create();
  writer.write(octets);
  const spooled = await writer.finish();
  const mail = {
    id,
    at,
    to,
    from: `MAILER-DAEMON@${installation.hostname}`,
    kind: 'notification',
    subject: `notification about ${entry.recordId}`,
    why: `notification about ${entry.id}`,
    eightBit: octets.some((octet) => octet > 127),
  } as const;
  const made = ownMail(mail, spooled, installation);
  try {
    return await signedOwn(made, installation, keys, at);
  } catch (error) {
    await content.discard(spooled);
    throw error;
  }
}

async function original({ entry, open }: Owed, full: boolean, log: Log, signal: AbortSignal) {
  const whole = full && entry.contentSize <= ORIGINAL_OCTETS_MAX;
  const chunks: Uint8Array[] = [];
  let gathered = 0;
  try {
    for await (const chunk of open(signal)) {
      chunks.push(Uint8Array.from(chunk));
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
