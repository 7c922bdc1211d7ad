/** What a recipient is shown of a held message: who, about what, when and why. All of it text from outside, made safe to show. */
import { decodeWords } from '../../mail/encoded-word.ts';
import { HEADER_OCTETS_MAX, parseHeaderSection } from '../../mail/header.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { QuarantineItem, QueueStore } from '../../ports/queue.ts';
import { shown } from './shown.ts';

/** Fit to stand in plain text, and in HTML once escaped. */
export interface Glance {
  readonly from: string;
  readonly subject: string;
  readonly at: Timestamp;
  readonly class: QuarantineItem['class'];
  readonly reason: string;
}

/** A line or two of a mail each. */
const FROM_MAX = 120;
const SUBJECT_MAX = 160;
const REASON_MAX = 200;

/** From the message itself: the record's subject may have been left out or hashed. Rejects when the store cannot be read. */
export async function glanceAt(item: QuarantineItem, read: QueueStore['read'], signal: AbortSignal): Promise<Glance> {
  const { fields } = parseHeaderSection(await headerOf(item, read, signal));
  const first = (name: string): string =>
    decodeWords(fields.find((field) => field.name.toLowerCase() === name)?.value ?? '');
  return {
    from: shown(first('from'), FROM_MAX),
    subject: shown(first('subject'), SUBJECT_MAX),
    at: item.at,
    class: item.class,
    reason: shown(item.reason, REASON_MAX),
  };
}

async function headerOf({ entry }: QuarantineItem, read: QueueStore['read'], signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let gathered = 0;
  let last = Buffer.alloc(0);
  for await (const chunk of read(entry.contentRef, signal)) {
    chunks.push(Uint8Array.from(chunk));
    gathered += chunk.length;
    // The blank line may lie across two chunks.
    const seam = Buffer.concat([last, chunk]);
    if (gathered >= HEADER_OCTETS_MAX || seam.includes('\r\n\r\n')) break;
    last = seam.subarray(-3);
  }
  return Buffer.concat(chunks).subarray(0, HEADER_OCTETS_MAX);
}
