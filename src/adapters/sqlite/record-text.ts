/** A record's text as its row holds it: in its short form, with a number that says which, and whether it is undamaged. */
import { crc32, inflateSync } from 'node:zlib';
import { StoreError } from '../../ports/store-error.ts';
import type { TransactionRecord } from '../../record/record.ts';
import { brief, inFull } from './record-brief.ts';
import { repeatsOf, withoutRepeats, withRepeats } from './record-repeats.ts';
import { WORDS_1 } from './record-words.ts';

/**
 * The first octet of a row. 2: the short form (`record-brief.ts`) without what it repeats, after its CRC-32 in four octets. 1, read
 * only: a zlib stream (RFC 1950) over `WORDS_1`. A text is the record as plain JSON, as rows were before there was any number.
 */
const FORM = 2;
const FORM_DEFLATED = 1;
const HEAD_OCTETS = 5;
const WORDS = Buffer.from(WORDS_1);

/** What a damaged row may claim to hold: more than a hundred recipients' rules and a thousand answers take. */
const TEXT_MAX = 64 * 1024 * 1024;

export type StoredText = string | Uint8Array;

/** Made where the record is: it costs no more than its JSON would, and less is posted to the store thread. */
export const shortText = (record: TransactionRecord): string => withoutRepeats(brief(record), repeatsOf(record));

export function packText(short: string): Uint8Array {
  const row = Buffer.allocUnsafe(HEAD_OCTETS + Buffer.byteLength(short));
  row[0] = FORM;
  row.write(short, HEAD_OCTETS);
  row.writeUInt32BE(crc32(row.subarray(HEAD_OCTETS)), 1);
  return row;
}

/** The record's JSON. */
export function unpackText(id: string, row: StoredText): string {
  if (typeof row === 'string') return whole(id, row);
  if (row[0] !== FORM && row[0] !== FORM_DEFLATED)
    throw unreadable(id, `of a known form: it is of form ${row[0] ?? 'none'}`);
  try {
    return row[0] === FORM ? opened(row) : inflateSync(row.subarray(1), INFLATING).toString();
  } catch (error) {
    throw unreadable(id, `undamaged: ${String(error)}`);
  }
}

const INFLATING = { dictionary: WORDS, maxOutputLength: TEXT_MAX };

function opened(row: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = row;
  const octets = Buffer.from(buffer, byteOffset, byteLength);
  const text = octets.subarray(HEAD_OCTETS);
  if (octets.readUInt32BE(1) !== crc32(text)) throw new RangeError('its checksum is another');
  return inFull(withRepeats(text.toString()));
}

/** Plain JSON has no checksum: that it can be read at all, and speaks of this record, is what can be known. */
function whole(id: string, json: string): string {
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch (error) {
    throw unreadable(id, `undamaged: ${String(error)}`);
  }
  if ((found as { readonly id?: unknown } | null)?.id !== id) throw unreadable(id, 'undamaged: it speaks of another');
  return json;
}

const unreadable = (id: string, must: string): StoreError =>
  new StoreError('failed', `Cannot open record "${id}" as its row must be ${must}`);
