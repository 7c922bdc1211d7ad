/** The fields put before a message for spamd: it knows of the envelope only what stands in the header section. */
import { mailDate } from '../../mail/date.ts';
import { clean } from '../../mail/reply.ts';
import type { ScannedEnvelope } from '../../ports/services.ts';

/**
 * Without our own Received (RFC 5321 §4.4) SpamAssassin would take the topmost that the client sent for the truth: it asks blocklists
 * about that address, and believes who writes "from localhost". Return-Path is what it calls EnvelopeFrom.
 */
export function traceFor({ client, helo, user, from, id, by, at }: ScannedEnvelope): Buffer {
  const literal = client.ip.includes(':') ? `IPv6:${client.ip}` : client.ip;
  const fields = [
    `Return-Path: <${inField(from)}>`,
    `Received: from ${atoms(helo) || 'unknown'} (${atoms(client.name) || 'unknown'} [${literal}])`,
    `\tby ${by} (Postern) with ${user === '' ? 'ESMTP' : 'ESMTPA'} id ${id};`,
    `\t${mailDate(at)}`,
  ];
  return Buffer.from(fields.map((line) => `${line}\r\n`).join(''));
}

const FROM_MAX = 320; // 64 of a local part, @, 255 of a domain (RFC 5321 §4.5.3.1)
const inField = (text: string): string => clean(text, FROM_MAX).replace(/[<>\s]/g, '?');
/** What a client said of itself, with everything gone that could end a clause, a comment or the field. */
const atoms = (text: string): string => clean(text, 255).replace(/[^\w.:\-[\]+=]/g, '?');
