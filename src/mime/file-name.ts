/** File names as the readers of mail really take them: RFC 2231, RFC 2047 where it is forbidden, and what is merely written. */
import { decodeWords } from '../mail/encoded-word.ts';
import { withoutComments } from './comments.ts';

export interface Parameter {
  /** Lower case, without what RFC 2231 puts behind it. */
  readonly name: string;
  readonly value: string;
  /** Other values that some reader would take. */
  readonly readings?: readonly string[];
}

/** RFC 2231 numbers pieces of a value with three digits; no others of these names are read. */
const PARAMETERS_MAX = 1000;
const NAME_MAX = 255;
/** Others are passed over, and do not count: nobody pushes a name out of sight by them. */
const WANTED = /^(?:boundary|charset|name|filename)(?:\*|$)/;

interface Piece {
  readonly text: string;
  readonly encoded: boolean;
}

interface Gathered {
  readonly plain: string[];
  /** By number; of one number several, where it stands more than once. */
  readonly pieces: Map<number, Piece[]>;
  readonly raw: string[];
}

/** `boundary`, `charset`, `name` and `filename` of a whole structured field; what stands before its first semicolon is left out. */
export function parameters(value: string): readonly Parameter[] {
  const found = new Map<string, Gathered>();
  const bare = withoutComments(value);
  for (const { name, text, raw } of [...split(bare), ...(bare === value ? [] : split(value))]) {
    const [, base = name, index, star] = /^([^*]*)(?:\*(\d{1,3}))?(\*)?$/.exec(name) ?? [];
    const one: Gathered = found.get(base) ?? { plain: [], pieces: new Map(), raw: [] };
    found.set(base, one);
    if (index === undefined && star === undefined) one.plain.push(text);
    else {
      const number = Number(index ?? 0);
      one.pieces.set(number, [...(one.pieces.get(number) ?? []).slice(0, 1), { text, encoded: star !== undefined }]);
    }
    if (raw !== text) one.raw.push(raw);
  }
  return [...found].map(([name, { plain, pieces, raw }]) => {
    const [extended = [], ...others] = pieces.size === 0 ? [] : extendedValues(pieces);
    // RFC 6266 §4.3: the extended form is preferred.
    const all = [...new Set([...extended, ...plain, ...others.flat(), ...raw])];
    return { name, value: all[0] ?? '', readings: all.slice(1) };
  });
}

/** Where no semicolon ends the first word, some readers see the name all the same. */
const NAME_AT_ONCE = /\s(?=(?:file)?name[*0-9]{0,5}\s*=)/i;

/** The parts between semicolons outside quotes and comments. `raw`: as one reads it who knows no quotes. */
function split(value: string): readonly { readonly name: string; readonly text: string; readonly raw: string }[] {
  const parts: { name: string; text: string; raw: string }[] = [];
  let at = 0;
  const end = value.length;
  while (at < end && value[at] !== ';') at++;
  at = NAME_AT_ONCE.exec(value.slice(0, at))?.index ?? at;
  const keep = (name: string, text: string, raw: string): void => {
    const cleaned = clean(name);
    if (WANTED.test(cleaned)) parts.push({ name: cleaned, text, raw });
  };
  while (at < end && parts.length < PARAMETERS_MAX) {
    at++; // the semicolon
    let name = '';
    while (at < end && value[at] !== '=' && value[at] !== ';') name += value[at++];
    if (value[at] !== '=') continue;
    at++;
    while (at < end && /\s/.test(value[at]!)) at++;
    let text = '';
    const from = at;
    if (value[at] === '"') {
      at++;
      while (at < end && value[at] !== '"') {
        if (value[at] === '\\' && at + 1 < end) at++;
        text += value[at++];
      }
      at++;
      const closed = value.slice(from, at);
      while (at < end && value[at] !== ';') at++;
      const inner = closed.slice(1).replace(/"$/, '');
      keep(name, text, inner);
      continue;
    }
    while (at < end && value[at] !== ';') text += value[at++];
    const raw = text.trim();
    keep(name, raw.replace(/\([^()]{0,200}\)/g, '').trim(), raw);
  }
  return parts;
}

const clean = (name: string): string =>
  name
    .replace(/\([^()]{0,200}\)/g, '')
    .trim()
    .toLowerCase();

/**
 * RFC 2231 §3, §4: pieces in order up to one that is missing; as readers have it who take the last of a number, and as those who
 * miss none.
 */
function extendedValues(pieces: ReadonlyMap<number, readonly Piece[]>): readonly (readonly string[])[] {
  const numbers = [...pieces.keys()].sort((a, b) => a - b);
  const inOrder = numbers.filter((number, n) => number === n);
  const joined = (which: readonly number[], place: 0 | -1): readonly string[] =>
    which.length === 0 ? [] : [extendedValue(which.map((number) => pieces.get(number)!.at(place)!))];
  return [joined(inOrder, 0), joined(inOrder, -1), joined(numbers, 0)];
}

/** Their charset is named by the first. */
function extendedValue(pieces: readonly Piece[]): string {
  const octets: Buffer[] = [];
  let charset = 'utf-8';
  for (const [n, { text, encoded }] of pieces.entries()) {
    let rest = text;
    if (n === 0 && encoded) {
      const named = /^([^']{0,40})'[^']{0,40}'([\s\S]*)$/.exec(text);
      if (named !== null) [, charset = 'utf-8', rest = ''] = named;
    }
    octets.push(
      encoded
        ? Buffer.from(
            rest.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          )
        : Buffer.from(rest, 'utf8'),
    );
  }
  try {
    return new TextDecoder(charset === '' ? 'utf-8' : charset).decode(Buffer.concat(octets));
  } catch {
    return Buffer.concat(octets).toString('latin1');
  }
}

export interface FileName {
  readonly name: string;
  readonly extension: string;
  readonly flaws: ReadonlySet<'contradictory-file-names'>;
}

/** From the values of Content-Disposition and Content-Type, '' where there is none. */
export function fileNameOf(disposition: string, contentType: string): FileName {
  const named = (value: string, wanted: string): string[] =>
    parameters(value)
      .filter(({ name }) => name === wanted)
      .flatMap(({ value: first, readings = [] }) => [first, ...readings]);
  const candidates = [...named(disposition, 'filename'), ...named(contentType, 'name'), ...named(disposition, 'name')]
    .map(shown)
    .filter((name) => name !== '');
  const extensions = new Set(candidates.map(extensionOf));
  const flaws = new Set<'contradictory-file-names'>();
  if (extensions.size > 1) flaws.add('contradictory-file-names');
  const name = candidates[0] ?? '';
  return { name, extension: extensionOf(name), flaws };
}

/** Control characters, and those that turn the direction of what follows: they hide the last dot. */
const INVISIBLE = /[\0-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** An encoded word that cannot be decoded, because nobody knows its character set or its octets are none of it. */
const WORD_LEFT = /=\?[^?\s]{1,60}\?([bq])\?/gi;

function shown(written: string): string {
  const decoded = decodeWords(written);
  // Some readers show what there is in it: the dot and what follows are ASCII in all of them.
  const text = decoded.includes('=?') ? decodeWords(decoded.replace(WORD_LEFT, '=?iso-8859-1?$1?')) : decoded;
  return (text.replace(INVISIBLE, '').trim().split(/[\\/]/).at(-1) ?? '').slice(-NAME_MAX);
}

/** Dots and blanks at the end are dropped where the file is opened, and Windows takes what follows a `:` for a stream of the file. */
export function extensionOf(name: string): string {
  const bare = name.slice(-NAME_MAX).replace(/[.\s]{1,255}$/, '');
  const dot = bare.lastIndexOf('.');
  return dot < 0
    ? ''
    : bare
        .slice(dot + 1)
        .replace(/:.*$/s, '')
        .trim()
        .toLowerCase()
        .slice(0, 20);
}
