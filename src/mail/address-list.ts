/** Address lists of header fields (RFC 5322 §3.4): who a message says it is from and for. */
import { quoteLocal, toAscii } from './address.ts';
import { decodeWords } from './encoded-word.ts';
import { parseIp } from './ip.ts';

export interface ListedAddress {
  /** The display name or, without one, the comment behind the address; encoded words decoded. */
  readonly display: string;
  /** `local@domain`, the local part quoted where it must be. */
  readonly address: string;
  /** Lower-case A-labels, or an address literal with its brackets. */
  readonly domain: string;
}

export interface AddressList {
  /** Groups flattened. */
  readonly addresses: readonly ListedAddress[];
  /** Parts that are no address to us and might be one to somebody else: whoever judges by the others judges half. */
  readonly unread: number;
}

/** The addresses of an address-list field (RFC 5322 §3.4). */
export function parseAddressList(value: string): AddressList {
  const addresses: ListedAddress[] = [];
  let unread = 0;
  let part: Token[] = [];
  let inAngle = false;
  const finish = (): void => {
    const address = readAddress(part);
    if (address !== undefined) addresses.push(address);
    else if (mayHoldAddress(part)) unread++;
    part = [];
    inAngle = false;
  };
  for (const token of tokens(value)) {
    if (token.kind === 'special') {
      // A comma or colon within angle brackets is of a source route.
      if (token.text === '<') inAngle = true;
      else if (token.text === '>') inAngle = false;
      else if (!inAngle && (token.text === ',' || token.text === ';')) {
        finish();
        continue;
      } else if (!inAngle && token.text === ':') {
        // What came before was a group's name (RFC 5322 §3.4), which holds no address.
        if (mayHoldAddress(part)) unread++;
        part = [];
        continue;
      }
    }
    part.push(token);
  }
  finish();
  return { addresses, unread };
}

interface Token {
  readonly kind: 'atom' | 'quoted' | 'literal' | 'comment' | 'special' | 'broken';
  readonly text: string;
}

const COMMENT_DEPTH_MAX = 50; // no person nests comments deeper; a bound for hostile text
const SPECIALS = '<>:;@,.';
const ATOM = /[^\s()<>[\]:;@\\,."\x00-\x1f\x7f]+/y;

function* tokens(value: string): Generator<Token> {
  let index = 0;
  while (index < value.length) {
    const at = value[index]!;
    if (/\s/.test(at)) index++;
    else if (SPECIALS.includes(at)) {
      yield { kind: 'special', text: at };
      index++;
    } else if (at === '"' || at === '[' || at === '(') {
      const closed = readDelimited(value, index);
      yield closed.token;
      index = closed.end;
    } else {
      ATOM.lastIndex = index;
      const text = ATOM.exec(value)?.[0];
      yield text === undefined ? { kind: 'broken', text: at } : { kind: 'atom', text };
      index += text?.length ?? 1;
    }
  }
}

/** A quoted string, a domain literal or a comment (RFC 5322 §3.2.2, §3.2.4, §3.4.1), with quoted pairs undone. */
function readDelimited(value: string, start: number): { readonly token: Token; readonly end: number } {
  const open = value[start]!;
  const close = open === '"' ? '"' : open === '[' ? ']' : ')';
  let depth = 1;
  let from = start + 1;
  let text = '';
  for (let index = start + 1; index < value.length; index++) {
    const at = value[index]!;
    if (at === '\\') {
      text += value.slice(from, index);
      from = ++index; // the character after the backslash stands for itself
    } else if (at === close) {
      if (--depth > 0) continue;
      const kind = open === '"' ? 'quoted' : open === '[' ? 'literal' : 'comment';
      return { token: { kind, text: text + value.slice(from, index) }, end: index + 1 };
    } else if (at === '(' && open === '(' && ++depth > COMMENT_DEPTH_MAX) break;
  }
  // Not closed: nothing behind it can be trusted to be what it looks like.
  return { token: { kind: 'broken', text: open }, end: value.length };
}

/** Words alone are a stray name, as in `Doe, John <john@b.example>`; of all else some reader makes an address. */
function mayHoldAddress(part: readonly Token[]): boolean {
  const words = part.filter(({ kind }) => kind !== 'comment');
  const strange = words.some(
    (token) =>
      token.kind === 'broken' || token.kind === 'literal' || ['<', '>', '@'].some((text) => isSpecial(token, text)),
  );
  return strange || decodeWords(phrase(words)).includes('@');
}

function readAddress(part: readonly Token[]): ListedAddress | undefined {
  if (part.some((token) => token.kind === 'broken')) return undefined;
  const words = part.filter((token) => token.kind !== 'comment');
  const open = words.findIndex((token) => isSpecial(token, '<'));
  if (open < 0) {
    const comment = part.findLast((token) => token.kind === 'comment')?.text ?? '';
    return readAddrSpec(words, comment);
  }
  // One pair of brackets, at the end: anything else could be read as another address by somebody else.
  if (!isSpecial(words.at(-1), '>')) return undefined;
  const name = words.slice(0, open);
  if (name.some((token) => isSpecial(token, '>'))) return undefined;
  let inner = words.slice(open + 1, -1);
  if (isSpecial(inner[0], '@')) inner = inner.slice(inner.findIndex((token) => isSpecial(token, ':')) + 1);
  return readAddrSpec(inner, phrase(name));
}

function readAddrSpec(words: readonly Token[], display: string): ListedAddress | undefined {
  const at = words.findIndex((token) => isSpecial(token, '@'));
  const local = at < 0 ? undefined : dotted(words.slice(0, at), 'quoted');
  const domain = at < 0 ? undefined : readDomain(words.slice(at + 1));
  if (local === undefined || domain === undefined) return undefined;
  return { display: decodeWords(display).trim(), address: `${quoteLocal(local)}@${domain}`, domain };
}

function readDomain(words: readonly Token[]): string | undefined {
  if (words.length === 1 && words[0]!.kind === 'literal') {
    const text = words[0]!.text.trim();
    const ip = parseIp(text.replace(/^ipv6:/i, ''));
    return ip && (ip.family === 4 && !text.includes(':') ? `[${ip.text}]` : `[IPv6:${ip.text}]`);
  }
  const name = dotted(words, 'atom');
  return name === undefined ? undefined : toAscii(name);
}

/** Words with a dot between each two; blanks and comments around the dots are obsolete and taken (RFC 5322 §4.4). */
function dotted(words: readonly Token[], also: 'quoted' | 'atom'): string | undefined {
  if (words.length % 2 === 0) return undefined;
  const fits = words.every((token, index) =>
    index % 2 === 1 ? isSpecial(token, '.') : token.kind === 'atom' || token.kind === also,
  );
  return fits ? words.map((token) => token.text).join('') : undefined;
}

/** A display name. Dots in it are obsolete (RFC 5322 §4.1), an @ is wrong, and both are common: `a@b.example <a@b.example>`. */
function phrase(words: readonly Token[]): string {
  let text = '';
  // Behind an @ stands a name such as `b.example`, which holds no blanks.
  let inName = false;
  words.forEach((token, index) => {
    const before = words[index - 1];
    const joined = token.kind === 'special' || (inName && before?.kind === 'special');
    text += text === '' || joined ? token.text : ` ${token.text}`;
    inName ||= isSpecial(token, '@');
  });
  return text;
}

const isSpecial = (token: Token | undefined, text: string): boolean => token?.kind === 'special' && token.text === text;
