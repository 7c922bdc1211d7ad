/** Addresses as RFC 5321 §4.1.2 writes them, and domains as A-labels (RFC 5890). */
import { toUnicode as decodeIdn, toASCII as encodeIdn } from 'tr46';
import type { Mailbox, ReversePath } from './envelope.ts';
import { parseIp } from './ip.ts';

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly why: string };

const LOCAL_PART_MAX = 64; // octets (RFC 5321 §4.5.3.1.1)
const DOMAIN_MAX = 255; // octets (RFC 5321 §4.5.3.1.2); what DNS can hold is 253 (RFC 1035 §3.1)
const DNS_NAME_MAX = 253;
const LABEL_MAX = 63; // RFC 1035 §3.1
const PATH_MAX = 256; // octets with punctuation (RFC 5321 §4.5.3.1.3)

/** A mailbox without angle brackets. UTF-8 local parts only with `utf8` (RFC 6531). Limits of RFC 5321 §4.5.3.1 hold. */
export function parseMailbox(text: string, utf8: boolean): Parsed<Mailbox> {
  if (octetsOf(text) > PATH_MAX - 2) return bad(`an address holds at most ${PATH_MAX - 2} octets`);
  if (hasControl(text)) return bad('an address holds no control characters');
  if (!utf8 && !isAscii(text)) return bad('an address beyond ASCII needs SMTPUTF8');
  if (hasLoneSurrogate(text)) return bad('the address is not valid UTF-8');
  const local = readLocalPart(text);
  if (local.kind === 'bad') return local;
  const { value, end } = local.value;
  if (text[end] !== '@') return bad('after the local part comes an @ and a domain');
  if (octetsOf(text.slice(0, end)) > LOCAL_PART_MAX) return bad(`a local part holds at most ${LOCAL_PART_MAX} octets`);
  const domain = readDomain(text.slice(end + 1));
  if (domain.kind === 'bad') return domain;
  return ok({ local: value, domain: domain.value, address: `${quoteLocal(value)}@${domain.value}` });
}

/**
 * `<>`, `<a@b>`, `<@x,@y:a@b>` (source route checked and dropped, RFC 5321 appendix C). A `forward` path may be
 * `<postmaster>`, which has the domain '' (RFC 5321 §4.1.1.3), and is never `<>`.
 */
export function parsePath(text: string, utf8: boolean, side: 'reverse' | 'forward' = 'reverse'): Parsed<ReversePath> {
  if (!text.startsWith('<') || !text.endsWith('>')) return bad('a path stands in angle brackets: <user@example.org>');
  if (octetsOf(text) > PATH_MAX) return bad(`a path holds at most ${PATH_MAX} octets`);
  const inner = text.slice(1, -1);
  if (inner === '') return side === 'reverse' ? ok({ kind: 'null' }) : bad('a recipient cannot be the null path');
  if (side === 'forward' && inner.toLowerCase() === 'postmaster')
    return ok({ kind: 'mailbox', mailbox: { local: inner, domain: '', address: inner } });
  const route = dropRoute(inner);
  if (route.kind === 'bad') return route;
  const mailbox = parseMailbox(route.value, utf8);
  return mailbox.kind === 'bad' ? mailbox : ok({ kind: 'mailbox', mailbox: mailbox.value });
}

/** Cuts the argument of MAIL FROM: or RCPT TO: after the path's closing bracket; a `>` in quotes does not close. */
export function splitPath(text: string): { readonly path: string; readonly rest: string } | undefined {
  if (!text.startsWith('<')) return undefined;
  let quoted = false;
  for (let index = 1; index < text.length; index++) {
    const at = text[index];
    if (quoted && at === '\\') index++;
    else if (at === '"') quoted = !quoted;
    else if (!quoted && at === '>') return { path: text.slice(0, index + 1), rest: text.slice(index + 1) };
  }
  return undefined;
}

/** Lower-case A-labels without trailing dot; undefined where it is no domain (empty label, label over 63, over 253 octets, bad IDN). */
export function toAscii(domain: string): string | undefined {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  if (name.length === 0 || name.length > DOMAIN_MAX) return undefined;
  let ascii = name.toLowerCase();
  if (!isAscii(name) || /(?:^|\.)xn--/.test(ascii)) {
    // Underscores are DNS names too (_dmarc), so STD3 rules are left to the check below.
    const encoded = encodeIdn(name, { checkBidi: true, checkJoiners: true, checkHyphens: false });
    if (encoded === null) return undefined;
    ascii = encoded;
  }
  if (ascii.length === 0 || ascii.length > DNS_NAME_MAX || !/^[a-z0-9_.-]+$/.test(ascii)) return undefined;
  return ascii.split('.').every((label) => label.length > 0 && label.length <= LABEL_MAX) ? ascii : undefined;
}

/** For a person; A-labels become Unicode where that round-trips. */
export function toUnicode(domain: string): string {
  if (!domain.toLowerCase().includes('xn--')) return domain;
  const { domain: decoded, error } = decodeIdn(domain, { checkBidi: true, checkJoiners: true, checkHyphens: false });
  return !error && toAscii(decoded) === toAscii(domain) ? decoded : domain;
}

/** The local part with quotes where RFC 5321 needs them. */
export function quoteLocal(local: string): string {
  return DOT_STRING.test(local) ? local : `"${local.replace(/["\\]/g, '\\$&')}"`;
}

/** atext of RFC 5322 §3.2.3, with UTF8-non-ascii (RFC 6531 §3.3). */
const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u0080-\\u{10ffff}-]";
const DOT_STRING = new RegExp(`^${ATEXT}+(?:\\.${ATEXT}+)*$`, 'u');
const DOT_STRING_START = new RegExp(`${ATEXT}+(?:\\.${ATEXT}+)*`, 'uy');
/** sub-domain of RFC 5321 §4.1.2. */
const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** The local part unquoted, and where it ends in the text. */
function readLocalPart(text: string): Parsed<{ readonly value: string; readonly end: number }> {
  if (text[0] !== '"') {
    DOT_STRING_START.lastIndex = 0;
    const value = DOT_STRING_START.exec(text)?.[0];
    return value === undefined ? bad('the local part is missing or needs quotes') : ok({ value, end: value.length });
  }
  let value = '';
  for (let index = 1; index < text.length; index++) {
    if (text[index] === '"') return ok({ value, end: index + 1 });
    if (text[index] === '\\') {
      index++;
      const escaped = text.charCodeAt(index);
      // quoted-pairSMTP is a backslash and printable ASCII, with SMTPUTF8 too (RFC 6531 §3.3).
      if (!(escaped >= 32 && escaped <= 126)) return bad('a backslash in a local part stands before printable ASCII');
    }
    value += text[index];
  }
  return bad('the quote in the local part is not closed');
}

function readDomain(text: string): Parsed<string> {
  if (text.startsWith('[')) return readLiteral(text);
  if (octetsOf(text) > DOMAIN_MAX) return bad(`a domain holds at most ${DOMAIN_MAX} octets`);
  const ascii = text.endsWith('.') ? undefined : toAscii(text);
  if (ascii === undefined || !ascii.split('.').every((label) => LDH_LABEL.test(label)))
    return bad('the domain is not a valid host name');
  return ok(ascii);
}

/** RFC 5321 §4.1.3. `IPv6` is the only tag that was ever registered. */
function readLiteral(text: string): Parsed<string> {
  const [, tag, address] = /^\[(ipv6:)?([^[\]]*)\]$/i.exec(text) ?? [];
  const ip = address === undefined ? undefined : parseIp(address);
  if (ip === undefined || (tag !== undefined) !== address!.includes(':'))
    return bad('an address literal is [192.0.2.1] or [IPv6:2001:db8::1]');
  if (tag === undefined) return ok(`[${ip.text}]`);
  return ok(ip.family === 6 ? `[IPv6:${ip.text}]` : `[IPv6:::ffff:${ip.text}]`);
}

function dropRoute(inner: string): Parsed<string> {
  if (!inner.startsWith('@')) return ok(inner);
  // The colons of an IPv6 literal stand in brackets.
  const colon = /^(?:[^[:]|\[[^\]]*\])*:/.exec(inner)?.[0].length;
  if (colon === undefined) return bad('a source route ends in a colon');
  for (const hop of inner.slice(0, colon - 1).split(',')) {
    const domain = hop.startsWith('@') ? readDomain(hop.slice(1)) : bad('a hop of a source route starts with @');
    if (domain.kind === 'bad') return domain;
  }
  return ok(inner.slice(colon));
}

const ok = <T>(value: T): Parsed<T> => ({ kind: 'ok', value });
const bad = (why: string): { readonly kind: 'bad'; readonly why: string } => ({ kind: 'bad', why });
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
const hasControl = (text: string): boolean => /[\x00-\x1f\x7f-\x9f]/.test(text);
const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);

const encoder = new TextEncoder();
const octetsOf = (text: string): number => (isAscii(text) ? text.length : encoder.encode(text).length);

/**
 * A local part in lower case as far as ASCII goes: case beyond it is the next hop's affair (RFC 5321 §2.4), and to fold it
 * would make look-alikes (K, the Kelvin sign) one with the letters of somebody else's name.
 */
export const foldAscii = (local: string): string => local.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
