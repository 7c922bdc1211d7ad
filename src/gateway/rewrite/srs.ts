/**
 * Sender rewriting for mail that is sent on: the reverse-path becomes one of ours, by which its sender is found again, so that the next
 * host's SPF asks about us and bounces come back to be passed on. After the scheme that forwarders share, with a longer check.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseMailbox, quoteLocal } from '../../mail/address.ts';
import type { Mailbox } from '../../mail/envelope.ts';
import { days, type Timestamp } from '../../mail/time.ts';

export type Rewritten =
  | { readonly kind: 'rewritten'; readonly mailbox: Mailbox }
  /** The local part would hold more than 64 octets (RFC 5321 §4.5.3.1.1). */
  | { readonly kind: 'too-long' };

export type Restored =
  | { readonly kind: 'restored'; readonly mailbox: Mailbox }
  | { readonly kind: 'wrong'; readonly why: string };

/** A bounce comes within the five days that queues keep mail, and rarely after twice that. */
const VALID_DAYS = 21;
/** Characters of base 32: 40 bits. Who guesses on, at a thousand tries a second, needs some 17 years for one address. */
const CHECK_LENGTH = 8;
const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';
/** Two characters: the days begin anew after 1,024. */
const DAY_SPAN = 1024;

/** `SRS0=check=day=domain=local@ours`, and `SRS1=check=domain==rest@ours` of what another forwarder rewrote before. */
export class Srs {
  /** Ours, and hosted: there the bounces arrive. */
  readonly domain: string;
  readonly #keys: readonly string[];

  /** The first key signs; what any of them signed is taken, so that keys can be changed while bounces are on their way. */
  constructor(domain: string, keys: readonly string[]) {
    if (keys.length === 0) throw new RangeError('Cannot rewrite senders as there must be a key: there is none');
    this.domain = domain;
    this.#keys = keys;
  }

  forward({ local, domain }: Mailbox, now: Timestamp): Rewritten {
    const again = SRS1.exec(local);
    if (again !== null) return this.#made('SRS1', `${again[2]}=${again[3]}`);
    // What another forwarder wrote keeps its own check and day; a third one need not grow it further.
    if (SRS0.test(local)) return this.#made('SRS1', `${domain}=${local.slice(4)}`);
    return this.#made('SRS0', `${dayOf(now)}=${domain}=${local}`);
  }

  /** Undefined: no such address. Case is no matter, as some hosts fold it. */
  restore({ local, domain }: Mailbox, now: Timestamp): Restored | undefined {
    if (domain !== this.domain) return undefined;
    const first = SRS0.exec(local);
    if (first !== null) {
      const [, check = '', rest = ''] = first;
      if (!this.#holds('SRS0', check, rest)) return WRONG;
      const [, day = '', from = '', user = ''] = /^([a-z2-7]{2})=([^=]+)=(.+)$/is.exec(rest) ?? [];
      if (from === '') return WRONG;
      if (ageOf(day, now) > VALID_DAYS) return { kind: 'wrong', why: `its ${VALID_DAYS} days are over` };
      return restored(user, from);
    }
    const second = SRS1.exec(local);
    if (second === null) return undefined;
    const [, check = '', from = '', rest = ''] = second;
    return this.#holds('SRS1', check, `${from}=${rest}`) ? restored(`SRS0${rest}`, from) : WRONG;
  }

  #made(kind: 'SRS0' | 'SRS1', rest: string): Rewritten {
    const local = quoteLocal(`${kind}=${this.#check(this.#keys[0]!, kind, rest)}=${rest}`);
    const parsed = parseMailbox(`${local}@${this.domain}`, true);
    return parsed.kind === 'ok' ? { kind: 'rewritten', mailbox: parsed.value } : { kind: 'too-long' };
  }

  #check(key: string, kind: string, rest: string): string {
    const mac = createHmac('sha256', key).update(`${kind}=${rest}`.toLowerCase()).digest();
    return [...mac.subarray(0, CHECK_LENGTH)].map((octet) => DIGITS[octet % 32]).join('');
  }

  #holds(kind: string, check: string, rest: string): boolean {
    const given = Buffer.from(check.toLowerCase());
    return this.#keys.some((key) => {
      const wanted = Buffer.from(this.#check(key, kind, rest));
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
  }
}

const WRONG: Restored = { kind: 'wrong', why: 'it is none that was written here' };
const SRS0 = /^SRS0[=+-]([^=]+)=(.+)$/is;
/** The rest of an address of another begins with its own separator. */
const SRS1 = /^SRS1[=+-]([^=]+)=([^=]+)=([=+-].+)$/is;

function restored(local: string, domain: string): Restored {
  const parsed = parseMailbox(`${quoteLocal(local)}@${domain}`, true);
  return parsed.kind === 'ok' ? { kind: 'restored', mailbox: parsed.value } : WRONG;
}

const dayNumber = (at: Timestamp): number => Math.floor(at / days(1)) % DAY_SPAN;

function dayOf(at: Timestamp): string {
  const day = dayNumber(at);
  return `${DIGITS[day >> 5]}${DIGITS[day & 31]}`;
}

function ageOf(written: string, now: Timestamp): number {
  const [high = 0, low = 0] = [...written.toLowerCase()].map((letter) => DIGITS.indexOf(letter));
  return (dayNumber(now) - (high * 32 + low) + DAY_SPAN) % DAY_SPAN;
}

export type SrsKeys =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'wrong'; readonly why: string; readonly remedy: string };

/** A key is drawn, not thought up; eight words of a person are as long. */
const KEY_LEAST = 32;
const KEYS_MAX = 8;

/** One key a line, `#` begins a comment; the first signs. */
export function readSrsKeys(text: string): SrsKeys {
  const keys = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const remedy =
    'write one key a line, such as `openssl rand -hex 32` draws; the first signs, the others are still taken';
  if (keys.length === 0) return { kind: 'wrong', why: 'it holds no key', remedy };
  if (keys.length > KEYS_MAX) return { kind: 'wrong', why: `it holds more than ${KEYS_MAX} keys`, remedy };
  if (keys.some((key) => key.length < KEY_LEAST))
    return { kind: 'wrong', why: `a key in it has fewer than ${KEY_LEAST} characters`, remedy };
  return { kind: 'keys', keys };
}
