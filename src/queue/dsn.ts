/** The text of a delivery status notification (RFC 3464): for a person in its first lines, for a program in its second part. */
import { mailDate } from '../mail/date.ts';
import { decodeWords } from '../mail/encoded-word.ts';
import { foldField, parseHeaderSection } from '../mail/header.ts';
import { parseIp } from '../mail/ip.ts';
import { quotedPrintable } from '../mail/quoted-printable.ts';
import { clean } from '../mail/reply.ts';
import type { Timestamp } from '../mail/time.ts';
import type { DsnAction } from './notification.ts';
import type { Report } from './transition.ts';

export interface ReportedRecipient {
  readonly recipient: string;
  /** `rfc822;user@example.org`, or '' when the sender gave none. */
  readonly orcpt: string;
  readonly report: Report;
  /** For `delayed`: until when it is tried. */
  readonly retryUntil: Timestamp;
}

export interface DsnParts {
  readonly id: string;
  /** Ours. */
  readonly hostname: string;
  /** The reverse-path of the message it speaks of. */
  readonly to: string;
  readonly at: Timestamp;
  readonly arrivedAt: Timestamp;
  readonly envid: string;
  /** The record of that message, so that an operator finds its story. */
  readonly recordId: string;
  /** At least one; all of one kind: failed, delayed, or succeeded. */
  readonly recipients: readonly ReportedRecipient[];
  /** The message or its header section; `whole` says which. Empty when it could not be had. */
  readonly original: { readonly octets: Uint8Array; readonly whole: boolean; readonly utf8: boolean };
}

/** The whole message, CRLF lines; 8-bit where an address or the original is. */
export function composeDsn(parts: DsnParts): Uint8Array {
  const boundary = `=_${parts.id}_${parts.hostname}`;
  const human = humanPart(parts);
  const machine = statusPart(parts);
  const global = isEightBit(machine);
  const head = [
    `Received: by ${parts.hostname} (Postern) id ${parts.id};\r\n\t${mailDate(parts.at)}`,
    `From: "Mail gateway ${parts.hostname}" <MAILER-DAEMON@${parts.hostname}>`,
    `To: <${parts.to}>`,
    foldField('Subject', subject(parts)),
    `Date: ${mailDate(parts.at)}`,
    `Message-ID: <${parts.id}@${parts.hostname}>`,
    'Auto-Submitted: auto-replied', // RFC 3834 §5: no vacation notice in answer, please
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    ...(global || hasEightBit(parts.original.octets) ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    'This is a delivery status notification in MIME format (RFC 3464).',
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    // A subject in any language must not ask for 8BITMIME of a way back that has none.
    `Content-Transfer-Encoding: ${isEightBit(human) ? 'quoted-printable' : '7bit'}`,
    '',
    isEightBit(human) ? quotedPrintable(human) : human,
    `--${boundary}`,
    // RFC 6533 §4: with addresses beyond ASCII the report itself is UTF-8.
    `Content-Type: message/${global ? 'global-' : ''}delivery-status`,
    ...(global ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    machine,
  ].join('\r\n');
  return joined([utf8(head), ...originalPart(parts, boundary), utf8(`--${boundary}--\r\n`)]);
}

const HEADLINE: { readonly [action in DsnAction]: string } = {
  failed: 'could not be delivered to',
  delayed: 'has not been delivered yet to',
  delivered: 'was delivered to',
  relayed: 'was passed on, to a server that will not report, for',
  expanded: 'was passed on to everybody who stands behind',
};
const SUBJECT: { readonly [action in DsnAction]: string } = {
  failed: 'Not delivered',
  delayed: 'Delayed',
  delivered: 'Delivered',
  relayed: 'Passed on',
  expanded: 'Passed on',
};

function subject({ recipients }: DsnParts): string {
  const [first] = recipients;
  const more = recipients.length > 1 ? ` and ${recipients.length - 1} more` : '';
  // RFC 5322 alone would want encoded words; an address beyond ASCII is left to the text.
  return `${SUBJECT[first!.report.action]}: your message to ${ascii(first!.recipient)}${more}`;
}

function humanPart({ recipients, arrivedAt, at, recordId, hostname, original }: DsnParts): string {
  const { action } = recipients[0]!.report;
  const lines = [
    `Your message of ${mailDate(arrivedAt)}`,
    ...aboutSubject(original.octets),
    `${HEADLINE[action]}:`,
    '',
  ];
  for (const { recipient, report } of recipients) {
    lines.push(`    <${recipient}>`);
    if (action === 'failed' || action === 'delayed') {
      const who = report.host === '' || report.reply === null ? '' : `${printable(report.host)} answered: `;
      lines.push(...wrapped(`${who}${clean(report.said, SAID_MAX)}`).map((line) => `      ${line}`));
    }
    lines.push('');
  }
  if (action === 'failed')
    lines.push('It will not be tried again. If the address is right, show this to whoever looks after that mailbox.');
  if (action === 'delayed')
    lines.push(
      `You need do nothing: it is tried until ${mailDate(recipients[0]!.retryUntil)}.`,
      'You will hear when it fails for good.',
    );
  lines.push('', `(${hostname}, ${mailDate(at)}, ref ${recordId})`, '');
  return lines.join('\r\n');
}

/** By which a person knows it again: the first one, its words decoded. */
function aboutSubject(original: Uint8Array): string[] {
  const found = parseHeaderSection(original).fields.find(({ name }) => name.toLowerCase() === 'subject');
  const subject = clean(decodeWords(found?.value ?? '').trim(), SUBJECT_MAX);
  return subject === '' ? [] : wrapped(`with the subject "${subject}"`);
}

/** RFC 3464 §2.1: per-message fields, then a block for each recipient. */
function statusPart(parts: DsnParts): string {
  const blocks = [
    [
      ...(parts.envid === '' ? [] : [foldField('Original-Envelope-Id', printable(parts.envid))]), // §2.2.1
      `Reporting-MTA: dns; ${parts.hostname}`, // §2.2.2
      `Arrival-Date: ${mailDate(parts.arrivedAt)}`, // §2.2.5
    ],
    ...parts.recipients.map(recipientFields),
  ];
  return blocks
    .map((fields) => `${fields.join('\r\n')}\r\n`)
    .join('\r\n')
    .concat('\r\n');
}

function recipientFields({ recipient, orcpt, report, retryUntil }: ReportedRecipient): string[] {
  const { action, status, host, reply, said, at } = report;
  const remote = printable(hostName(host));
  const failed = action === 'failed' || action === 'delayed';
  return [
    ...(orcpt === '' ? [] : [foldField('Original-Recipient', printable(orcpt))]), // §2.3.1
    `Final-Recipient: ${isEightBit(recipient) ? 'utf-8' : 'rfc822'}; ${recipient}`, // §2.3.2, RFC 6533 §3
    `Action: ${action}`, // §2.3.3
    `Status: ${status}`, // §2.3.4
    ...(remote === '' ? [] : [`Remote-MTA: dns; ${remote}`]), // §2.3.5
    // §2.3.6: what the other side said, as it said it; our own words are of a type of our own.
    ...(failed
      ? [
          foldField(
            'Diagnostic-Code',
            `${reply === null || host === '' ? 'x-postern' : 'smtp'}; ${ascii(clean(said, SAID_MAX))}`,
          ),
        ]
      : []),
    ...(at === null ? [] : [`Last-Attempt-Date: ${mailDate(at)}`]), // §2.3.7: not where there was none
    ...(action === 'delayed' ? [`Will-Retry-Until: ${mailDate(retryUntil)}`] : []), // §2.3.9
  ];
}

/** RFC 3462 §2; RFC 6533 §5 for a message in UTF-8. */
function originalPart({ original }: DsnParts, boundary: string): Uint8Array[] {
  const { octets, whole, utf8: global } = original;
  if (octets.length === 0) return [];
  const type = global ? `message/global${whole ? '' : '-headers'}` : whole ? 'message/rfc822' : 'text/rfc822-headers';
  const encoding = hasEightBit(octets) ? '8bit' : '7bit';
  const head = `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
  return [utf8(head), octets, utf8('\r\n')];
}

/** Of what a host said; enough for its reason and its link. */
const SAID_MAX = 600;
/** Characters of a subject: two lines, so that the recipient stands within the first ten. */
const SUBJECT_MAX = 110;
const LINE = 70;

/**
 * `mail1.internal` of `mail1.internal:25`, `mx1.test` of `mx1.test[192.0.2.1]:25`; where there is no name, the address as RFC 5321 §4.1.3
 * writes it in the place of one. A unix socket and a folder have no name on the net.
 */
function hostName(host: string): string {
  if (host.startsWith('unix:') || host.includes('/')) return '';
  const [, name = '', address = name] = /^([^[]*?)(?:\[(.*)\])?(?::\d+)?$/.exec(host) ?? [];
  const ip = name === '' || name === address ? parseIp(address) : undefined;
  if (ip === undefined) return name;
  return ip.family === 4 ? `[${ip.text}]` : `[IPv6:${ip.text}]`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > LINE) {
    const blank = rest.lastIndexOf(' ', LINE);
    const cut = blank > 0 ? blank : LINE;
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

const printable = (text: string): string => clean(text, SAID_MAX);
const ascii = (text: string): string => text.replace(/[^\x20-\x7e]/gu, '?');
const isEightBit = (text: string): boolean => /[^\x00-\x7f]/.test(text);
const hasEightBit = (octets: Uint8Array): boolean => octets.some((octet) => octet > 127);
const encoder = new TextEncoder();
const utf8 = (text: string): Uint8Array => encoder.encode(text);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
