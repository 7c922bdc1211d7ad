/** A record's text as its row holds it: deflated against the words that records share, with a number that says how. */
import { deflateSync, inflateSync } from 'node:zlib';
import { StoreError } from '../../ports/store-error.ts';
import { WORDS_1 } from './record-words.ts';

/**
 * The first octet of a row. 1: a zlib stream (RFC 1950) over `WORDS_1`; its header names the words by their checksum, its trailer
 * tells damage. A text is the record as plain JSON, as rows were before there was any number.
 */
const FORMAT = 1;
const WORDS = Buffer.from(WORDS_1);

/** Measured: level 1 is no faster, level 6 hardly smaller (docs/decisions/0006-how-records-are-stored.md). */
const HOW = { level: 3, memLevel: 5, chunkSize: 4096, dictionary: WORDS };

/** What a damaged row may claim to hold: more than a hundred recipients' rules and a thousand answers take. */
const TEXT_MAX = 64 * 1024 * 1024;

export type StoredText = string | Uint8Array;

export function packText(json: string): Uint8Array {
  const deflated = deflateSync(json, HOW);
  const row = new Uint8Array(1 + deflated.length);
  row[0] = FORMAT;
  row.set(deflated, 1);
  return row;
}

export function unpackText(id: string, row: StoredText): string {
  if (typeof row === 'string') return whole(id, row);
  if (row[0] !== FORMAT) throw unreadable(id, `of a known form: it is of form ${row[0] ?? 'none'}`);
  try {
    return inflateSync(row.subarray(1), { dictionary: WORDS, maxOutputLength: TEXT_MAX }).toString();
  } catch (error) {
    throw unreadable(id, `undamaged: ${String(error)}`);
  }
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
