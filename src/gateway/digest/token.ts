/** The right to release one held message, as a text that stands in a link: signed, bound to its recipient, over after a time. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Timestamp } from '../../mail/time.ts';

export interface Right {
  /** The held message's id. */
  readonly item: string;
  /** Whose it is, as `fingerprintOf` says it. */
  readonly whose: string;
  readonly expires: Timestamp;
}

/** `<item>.<seconds>.<whose>.<mac>`: letters of RFC 3986 §2.3 alone, so that no mail program and no proxy writes them otherwise. */
export function signRight(item: string, recipient: string, expires: Timestamp, key: Uint8Array): string {
  const body = `${item}.${Math.floor(expires / 1000).toString(36)}.${fingerprintOf(recipient)}`;
  return `${body}.${mac(body, key).toString('base64url')}`;
}

/**
 * Undefined for whatever one of the keys did not sign, and for what is over: nobody learns which. Nothing is looked up
 * before the signature is known to be ours, so that no guess tells what is held here.
 */
export function readRight(token: string, keys: readonly Uint8Array[], now: Timestamp): Right | undefined {
  const parts = SHAPE.exec(token);
  if (parts === null) return undefined;
  const [, body = '', item = '', expires = '', whose = '', given = ''] = parts;
  const claimed = Buffer.from(given, 'base64url');
  // Base64 has more than one spelling of some octets: only ours is a token.
  if (claimed.length !== MAC_OCTETS || claimed.toString('base64url') !== given) return undefined;
  // All keys, whichever it was: the time it takes tells nothing.
  const signed = keys.map((key) => timingSafeEqual(mac(body, key), claimed)).includes(true);
  const until = Number.parseInt(expires, 36) * 1000;
  return signed && now < until ? { item, whose, expires: until } : undefined;
}

/** An address compares without case, as the store compares it. */
export const fingerprintOf = (recipient: string): string =>
  createHash('sha256').update(recipient.toLowerCase()).digest().subarray(0, WHOSE_OCTETS).toString('base64url');

/** What may be done with it stands in what is signed: a key of ours signs nothing else that could be taken for it. */
const PURPOSE = 'postern release 1\n';
/** Half of the hash, the least RFC 2104 §5 allows: 128 bits. */
const MAC_OCTETS = 16;
const WHOSE_OCTETS = 8;
/** An item's id is its record's with the recipient's number. */
const SHAPE = /^(([0-9a-z]{13}\.\d{1,6})\.([0-9a-z]{1,8})\.([A-Za-z0-9_-]{11}))\.([A-Za-z0-9_-]{22})$/;

const mac = (body: string, key: Uint8Array): Buffer =>
  createHmac('sha256', key)
    .update(PURPOSE + body)
    .digest()
    .subarray(0, MAC_OCTETS);
