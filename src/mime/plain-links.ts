/** Addresses in plain text: with a scheme, whatever it is called, and bare names that readers of mail turn into links. */
import type { Meter } from './meter.ts';
import { refang } from './refang.ts';
import { hostIn } from './url-host.ts';

export interface PlainSink {
  /** Behind `scheme://`. `scheme` is lower case, and may be one made harmless (`hxxps`). */
  url(written: string, scheme: string): void;
  /** A name without a scheme: `www.example.com`, `example.com/path`. */
  bare(written: string): void;
}

const SCHEME_MAX = 20;
const BARE_MAX = 253;
/** RFC 5321 §4.5.3.1.3, less its brackets. */
const ADDRESS_MAX = 254;

export function plainLinks(text: string, sink: PlainSink, meter: Meter): void {
  const plain = refang(text, meter);
  let start = 0;
  while (start < plain.length) {
    while (start < plain.length && endsToken(plain.charCodeAt(start))) start++;
    let end = start;
    while (end < plain.length && !endsToken(plain.charCodeAt(end))) end++;
    meter.steps += end - start + 1;
    if (end > start) token(plain.slice(start, end), sink, meter);
    start = end + 1;
  }
}

function token(text: string, sink: PlainSink, meter: Meter): void {
  let found = false;
  for (let colon = text.indexOf(':'); colon >= 0; ) {
    if (!isSlash(text[colon + 1]) || !isSlash(text[colon + 2])) {
      const mail = colon >= 6 && text.slice(colon - 6, colon).toLowerCase() === 'mailto';
      const address = mail ? text.slice(colon + 1, colon + 1 + ADDRESS_MAX) : '';
      if (address.includes('@')) sink.url(hostPart(address.slice(address.indexOf('@') + 1)), 'mailto');
      found ||= mail;
      meter.steps += address.length;
      colon = text.indexOf(':', colon + 1);
      continue;
    }
    let first = colon;
    while (first > 0 && colon - first < SCHEME_MAX && isSchemeLetter(text.charCodeAt(first - 1))) first--;
    let from = colon + 1;
    while (isSlash(text[from])) from++;
    let end = from;
    while (end < text.length && !isSlash(text[end]) && text[end] !== '?' && text[end] !== '#') end++;
    meter.steps += end - first;
    if (first < colon) {
      found = true;
      sink.url(hostPart(hostIn(text.slice(from, end))), text.slice(first, colon).toLowerCase());
    }
    // From where the host begins: another address may stand behind a comma, and none is looked at twice.
    colon = text.indexOf(':', from);
  }
  meter.steps += text.length;
  if (!found) bareNames(text, sink, meter);
}

/** Up to the first character that no host has: a comma or a bracket behind it belongs to the sentence. */
function hostPart(written: string): string {
  if (written.startsWith('[')) return written;
  let end = 0;
  while (end < written.length && (isHostLetter(written.charCodeAt(end)) || written[end] === '%')) end++;
  return trimmed(written.slice(0, end));
}

/** The first run of characters that a host may have, and more of them behind commas; what stands behind a slash is a path. */
function bareNames(text: string, sink: PlainSink, meter: Meter): void {
  if (!text.includes('.') || text.includes('@')) return; // a mail address is no link
  let at = 0;
  while (at < text.length) {
    while (at < text.length && !isHostLetter(text.charCodeAt(at))) at++;
    let end = at;
    while (end < text.length && isHostLetter(text.charCodeAt(end))) end++;
    const path = text[end] === '/' || text[end] === '?' || text[end] === '#' || text[end] === ':' || text[end] === '\\';
    if (end - at <= BARE_MAX) {
      const name = trimmed(text.slice(at, end));
      if (name.includes('.')) sink.bare(name);
    }
    meter.steps += end - at;
    if (path || text[end] === '=' || text[end] === '%') return;
    at = end + 1;
  }
}

function trimmed(name: string): string {
  let start = 0;
  let end = name.length;
  while (start < end && '.-_'.includes(name[start]!)) start++;
  while (end > start && '.-_'.includes(name[end - 1]!)) end--;
  return name.slice(start, end);
}

const isSlash = (letter: string | undefined): boolean => letter === '/' || letter === '\\';

/** Blanks, control characters, quotes of all kinds, angle brackets, the bar of tables. */
const endsToken = (code: number): boolean =>
  code <= 0x20 ||
  code === 0x22 ||
  code === 0x27 ||
  code === 0x3c ||
  code === 0x3e ||
  code === 0x60 ||
  code === 0x7c ||
  (code >= 0x7f && code <= 0xa0) ||
  code === 0xab ||
  code === 0xbb ||
  (code >= 0x2000 && code <= 0x206f && code !== 0x2010) ||
  (code >= 0x3000 && code <= 0x303f);

const isSchemeLetter = (code: number): boolean =>
  isLetterOrDigit(code) || code === 0x2a || code === 0x2b || code === 0x2d || code === 0x2e;
const isLetterOrDigit = (code: number): boolean => {
  const letter = (code | 32) - 97;
  return (code >= 48 && code <= 57) || (code < 128 && letter >= 0 && letter < 26);
};
/** Letters beyond ASCII too: what is none is sorted out when the name is read. */
const isHostLetter = (code: number): boolean =>
  isLetterOrDigit(code) || code === 0x2d || code === 0x2e || code === 0x5f || code > 0xbf;
