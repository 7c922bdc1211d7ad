/** Mail of our own: an entry and a record for what nobody sent and nobody connected for. */
import type { Installation } from '../config/installation.ts';
import type { Mailbox } from '../mail/envelope.ts';
import type { Timestamp } from '../mail/time.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Notification } from '../ports/queue.ts';
import { lifetime } from '../queue/schedule.ts';
import { RECORD_VERSION, type TransactionRecord } from '../record/record.ts';
import { builtinReply } from './builtin.ts';
import { OURSELVES, routeTo } from './routing.ts';

export interface OwnMail {
  readonly id: string;
  readonly at: Timestamp;
  readonly to: Mailbox;
  readonly from: string;
  readonly kind: 'notification' | 'digest' | 'alarm';
  /** For the record: its subject, and why there is such a mail. */
  readonly subject: string;
  readonly why: string;
  readonly eightBit: boolean;
}

export function ownMail(mail: OwnMail, content: SpooledContent, installation: Installation): Notification {
  const { id, at, to } = mail;
  const route = routeTo(to, OURSELVES, installation);
  const timing = installation.routes.get(route);
  if (timing === undefined) throw new RangeError(`Cannot notify ${to.address} as a route must lead there: none does`);
  return {
    content,
    record: recordOf(mail, content, installation),
    entry: {
      id: `${id}.1`,
      recordId: id,
      reversePath: { kind: 'null' }, // RFC 5321 §4.5.5, RFC 3834 §3.3
      recipient: to.address,
      domain: to.domain,
      route,
      contentRef: content.ref,
      contentSize: content.size,
      prefix: '',
      edits: [],
      body: mail.eightBit ? '8BITMIME' : '7BIT',
      utf8: /[^\x00-\x7f]/.test(to.address),
      sender: 'unverified',
      dsn: { notify: ['NEVER'], orcpt: '', ret: '', envid: '' }, // RFC 3461 §6.2, as it wants of a DSN's own envelope
      notification: true,
      admittedAt: at,
      expiresAt: at + lifetime({ notification: true }, timing),
      attempts: 0,
      last: null,
      delayNotified: false,
      state: { kind: 'waiting', due: at },
    },
  };
}

const REASONS = {
  notification: 'builtin:notification',
  digest: 'builtin:digest',
  alarm: 'builtin:alarm',
} as const;

/** A transaction nobody connected for: no session, no checks, no rules. */
function recordOf(
  { id, at, to, from, kind, subject, why }: OwnMail,
  content: SpooledContent,
  { hostname, node }: Installation,
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
        address: to.address,
        verdict: 'accept',
        rule: '',
        reason: REASONS[kind],
        stage: 'rcpt',
        reply: builtinReply(kind, { id }),
        facts: {},
        checks: [],
        decisions: [],
        calls: {},
        modifications: [],
        notes: [],
        score: 0,
        outcome: 'queued',
        why,
      },
    ],
    message: {
      id: `<${id}@${hostname}>`,
      from,
      subject,
      size: content.size,
      sha256: content.sha256,
    },
    replies: [],
    count: 1,
  };
}
