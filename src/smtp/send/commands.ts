/** MAIL and RCPT as this host takes them: a parameter is given only where its keyword was offered (RFC 5321 §4.1.1.11). */
import type { QueueEntry } from '../../queue/entry.ts';
import type { Capabilities } from './capabilities.ts';
import { orcptText, xtext } from './xtext.ts';

/** As it stands in MAIL. */
function senderOf({ mailFrom, reversePath }: QueueEntry): string {
  const path = mailFrom ?? reversePath;
  return path.kind === 'null' ? '' : path.mailbox.address;
}

export function mailCommand(entry: QueueEntry, size: number, utf8: boolean, can: Capabilities): string {
  const path = senderOf(entry);
  let text = `MAIL FROM:<${path}>`;
  if (can.size) text += ` SIZE=${size}`;
  if (can.eightBit && entry.body === '8BITMIME') text += ' BODY=8BITMIME';
  if (utf8) text += ' SMTPUTF8';
  if (entry.tls === 'required') text += ' REQUIRETLS';
  if (can.dsn && entry.dsn.ret !== '') text += ` RET=${entry.dsn.ret}`;
  if (can.dsn && entry.dsn.envid !== '') text += ` ENVID=${xtext(entry.dsn.envid)}`;
  return `${text}\r\n`;
}

export function rcptCommand(entry: QueueEntry, can: Capabilities): string {
  let text = `RCPT TO:<${entry.recipient}>`;
  if (can.dsn && entry.dsn.notify.length > 0) text += ` NOTIFY=${entry.dsn.notify.join(',')}`;
  if (can.dsn && entry.dsn.orcpt !== '') text += ` ORCPT=${orcptText(entry.dsn.orcpt)}`;
  return `${text}\r\n`;
}

/** SMTPUTF8 is needed for the address itself, or for a header in UTF-8 (RFC 6531 §3.4, §3.6). */
export function needsUtf8(entries: readonly QueueEntry[], opening: Uint8Array): boolean {
  return entries.some(hasUtf8Address) || (entries[0]?.utf8 === true && hasUtf8Header(opening));
}

function hasUtf8Address(entry: QueueEntry): boolean {
  const path = senderOf(entry);
  return /[^\x00-\x7f]/.test(path) || /[^\x00-\x7f]/.test(entry.recipient);
}

/** A header that goes on beyond the first piece counts as UTF-8: it was declared so. */
function hasUtf8Header(opening: Uint8Array): boolean {
  const octets = Buffer.from(opening.buffer, opening.byteOffset, opening.length);
  const end = octets.indexOf('\r\n\r\n');
  return end < 0 || octets.subarray(0, end).some((octet) => octet > 127);
}
