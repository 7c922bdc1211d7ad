/** File names as the readers of mail really take them: RFC 2231, RFC 2047 where it is forbidden, and what is merely written. */
import { decodeWords } from '../mail/encoded-word.ts';

export interface Parameter {
  /** Lower case, without what RFC 2231 puts behind it. */
  readonly name: string;
  readonly value: string;
  /** Other values that some reader would take. */
  readonly readings?: readonly string[];
}

const PARAMETERS_MAX = 50;
const NAME_MAX = 255;

interface Gathered {
  readonly plain: string[];
  readonly pieces: Map<number, { readonly text: string; readonly encoded: boolean }>;
  readonly raw: string[];
}

/** `value` is a whole structured field; what stands before the first semicolon is left out. */
export function parameters(value: string): readonly Parameter[] {
  const found = new Map<string, Gathered>();
  for (const { name, text, raw } of split(value).slice(0, PARAMETERS_MAX)) {
    const [, base = name, index, star] = /^([^*]*)(?:\*(\d{1,3}))?(\*)?$/.exec(name) ?? [];
    const one: Gathered = found.get(base) ?? { plain: [], pieces: new Map(), raw: [] };
    found.set(base, one);
    if (index === undefined && star === undefined) one.plain.push(text);
    else if (!one.pieces.has(Number(index ?? 0)))
      one.pieces.set(Number(index ?? 0), { text, encoded: star !== undefined });
    if (raw !== text) one.raw.push(raw);
  }
  return [...found].map(([name, { plain, pieces, raw }]) => {
    const extended = pieces.size === 0 ? undefined : extendedValue(pieces);
    // RFC 6266 §4.3: the extended form is preferred.
    const all = [...new Set([...(extended === undefined ? [] : [extended]), ...plain, ...raw])];
    return { name, value: all[0] ?? '', readings: all.slice(1) };
  });
}

/** The parts between semicolons outside quotes and comments. `raw`: as one reads it who knows no quotes. */
function split(value: string): readonly { readonly name: string; readonly text: string; readonly raw: string }[] {
  const parts: { name: string; text: string; raw: string }[] = [];
  let at = 0;
  const end = value.length;
  while (at < end && value[at] !== ';') at++;
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
      parts.push({ name: clean(name), text, raw: inner });
      continue;
    }
    while (at < end && value[at] !== ';') text += value[at++];
    const raw = text.trim();
    const bare = raw.replace(/\([^()]{0,200}\)/g, '').trim();
    parts.push({ name: clean(name), text: bare, raw });
  }
  return parts;
}

const clean = (name: string): string =>
  name
    .replace(/\([^()]{0,200}\)/g, '')
    .trim()
    .toLowerCase();

/** RFC 2231 §3, §4: pieces in order, their charset named by the first. */
function extendedValue(pieces: ReadonlyMap<number, { readonly text: string; readonly encoded: boolean }>): string {
  const octets: Buffer[] = [];
  let charset = 'utf-8';
  for (let n = 0; pieces.has(n); n++) {
    const { text, encoded } = pieces.get(n)!;
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

function shown(written: string): string {
  const text = decodeWords(written).replace(INVISIBLE, '').trim();
  return (text.split(/[\\/]/).at(-1) ?? '').slice(-NAME_MAX);
}

/** Dots and blanks at the end are dropped where the file is opened. */
export function extensionOf(name: string): string {
  const bare = name.slice(-NAME_MAX).replace(/[.\s]{1,255}$/, '');
  const dot = bare.lastIndexOf('.');
  return dot < 0
    ? ''
    : bare
        .slice(dot + 1)
        .trim()
        .toLowerCase()
        .slice(0, 20);
}
