/** Character references of HTML as browsers read them: what `&#104;&#x74;tp&colon;` says once decoded. */
import type { Meter } from './meter.ts';

/**
 * Names that write what addresses and words are made of. HTML knows two thousand more (its §13.5), signs of mathematics for the
 * most part: they stay as they are written.
 */
const NAMES: { readonly [name: string]: string } = {
  ...{
    amp: '&',
    AMP: '&',
    lt: '<',
    LT: '<',
    gt: '>',
    GT: '>',
    quot: '"',
    QUOT: '"',
    apos: "'",
    Tab: '\t',
    NewLine: '\n',
  },
  ...{ colon: ':', sol: '/', bsol: '\\', period: '.', commat: '@', quest: '?', num: '#', equals: '=', percnt: '%' },
  ...{ lowbar: '_', UnderBar: '_', plus: '+', comma: ',', semi: ';', excl: '!', dollar: '$', ast: '*', midast: '*' },
  ...{
    lpar: '(',
    rpar: ')',
    lbrack: '[',
    lsqb: '[',
    rbrack: ']',
    rsqb: ']',
    lcub: '{',
    lbrace: '{',
    rcub: '}',
    rbrace: '}',
  },
  ...{
    verbar: '|',
    vert: '|',
    grave: '`',
    Hat: '^',
    hyphen: '\u2010',
    dash: '\u2010',
    ndash: '\u2013',
    mdash: '\u2014',
  },
  ...{
    zwnj: '\u200c',
    zwj: '\u200d',
    ZeroWidthSpace: '\u200b',
    NegativeThinSpace: '\u200b',
    NoBreak: '\u2060',
    lrm: '\u200e',
  },
  ...{
    rlm: '\u200f',
    ensp: '\u2002',
    emsp: '\u2003',
    thinsp: '\u2009',
    hellip: '\u2026',
    bull: '\u2022',
    trade: '\u2122',
  },
  ...{ lsquo: '\u2018', rsquo: '\u2019', ldquo: '\u201c', rdquo: '\u201d', euro: '\u20ac', fjlig: 'fj' },
};

/** U+00A0 and on, in order (HTML §13.5): these are read without their semicolon too. */
const LATIN1 =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot ' +
  'cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml ' +
  'Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig ' +
  'agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ' +
  'ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';

const KNOWN = new Map<string, string>([
  ...Object.entries(NAMES),
  ...LATIN1.split(' ').map((name, place): [string, string] => [name, String.fromCharCode(0xa0 + place)]),
]);
const BARE = new Set(['amp', 'AMP', 'lt', 'LT', 'gt', 'GT', 'quot', 'QUOT', ...LATIN1.split(' ')]);
const NAME_MAX = Math.max(...[...KNOWN.keys()].map((name) => name.length));

/** What HTML §13.2.5.80 makes of 0x80 to 0x9f: windows-1252. */
const WINDOWS = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** `attribute`: where `&copy=1` stays as it is, so that queries of addresses survive. */
export function decodeEntities(text: string, attribute: boolean, meter: Meter): string {
  let at = text.indexOf('&');
  meter.steps += text.length;
  if (at < 0) return text;
  const pieces: string[] = [];
  let from = 0;
  while (at >= 0) {
    const found = text[at + 1] === '#' ? numeric(text, at + 2) : named(text, at + 1, attribute);
    meter.steps += NAME_MAX;
    if (found !== undefined) {
      pieces.push(text.slice(from, at), found.value);
      from = found.end;
      meter.steps += from - at;
    }
    at = text.indexOf('&', Math.max(from, at + 1));
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}

interface Found {
  readonly value: string;
  readonly end: number;
}

function numeric(text: string, start: number): Found | undefined {
  const hex = text[start] === 'x' || text[start] === 'X';
  const first = hex ? start + 1 : start;
  let value = 0;
  let at = first;
  for (; at < text.length; at++) {
    const digit = digitAt(text, at);
    if (digit >= (hex ? 16 : 10)) break;
    // Leading zeros may be as many as one likes; beyond Unicode it is all the same.
    value = Math.min(value * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (at === first) return undefined;
  const wrong = value === 0 || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff);
  const letter =
    value >= 0x80 && value <= 0x9f ? WINDOWS[value - 0x80]! : wrong ? '\ufffd' : String.fromCodePoint(value);
  return { value: letter, end: text[at] === ';' ? at + 1 : at };
}

function named(text: string, start: number, attribute: boolean): Found | undefined {
  let end = start;
  while (end - start < NAME_MAX && isAlphanumeric(text.charCodeAt(end))) end++;
  if (text[end] === ';') {
    const value = KNOWN.get(text.slice(start, end));
    if (value !== undefined) return { value, end: end + 1 };
  }
  // The longest name that is read without a semicolon: `&ampx` is `&x`.
  for (let to = end; to > start; to--) {
    const name = text.slice(start, to);
    if (!BARE.has(name)) continue;
    if (attribute && (text[to] === '=' || isAlphanumeric(text.charCodeAt(to)))) return undefined;
    return { value: KNOWN.get(name)!, end: to };
  }
  return undefined;
}

/** 36 for what is no digit and no letter. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = (code | 32) - 97;
  return letter >= 0 && letter < 26 && code < 128 ? 10 + letter : 36;
}

/** NaN, beyond the end, is neither. */
const isAlphanumeric = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
