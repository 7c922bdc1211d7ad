/** Tags and text of HTML in one pass that never goes back, as browsers cut it (HTML §13.2.5), however broken it is. */
import { decodeEntities } from './entities.ts';
import type { Meter } from './meter.ts';

/** As written: entities are not decoded. */
export interface Attribute {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
}

export interface HtmlSink {
  /** Between tags, entities decoded. */
  text(text: string): void;
  /** `name` is lower case. */
  tag(name: string, closing: boolean, attributes: readonly Attribute[]): void;
  /** What is not shown as text: scripts, style sheets, titles, and a comment that never ends. */
  raw(text: string): void;
}

/** More of one tag are passed over. */
const ATTRIBUTES_MAX = 200;
const NAME_MAX = 40;
/** Elements without tags in them (HTML §13.1.2) of which no reader of mail shows anything. */
const UNSEEN: ReadonlySet<string> = new Set(['script', 'style', 'title']);

export function scanHtml(html: string, sink: HtmlSink, meter: Meter): void {
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    const end = open < 0 ? html.length : open;
    if (end > at) sink.text(decodeEntities(html.slice(at, end), false, meter));
    if (open < 0) return;
    at = markup(html, open, sink, meter);
    meter.steps += at - open;
  }
}

/** What begins with `<`; answers where it ends. */
function markup(html: string, open: number, sink: HtmlSink, meter: Meter): number {
  const next = html[open + 1] ?? '';
  if (isLetter(next)) return startTag(html, open, sink, meter);
  if (next === '/' && isLetter(html[open + 2] ?? '')) return tagAt(html, open + 2, (name) => sink.tag(name, true, []));
  if (next !== '!' && next !== '?' && next !== '/') {
    sink.text('<');
    return open + 1;
  }
  if (!html.startsWith('<!--', open)) return behind(html, '>', open + 2);
  // `<!--[if mso]>`: Outlook shows what others take for a comment.
  if (html.startsWith('[if', open + 4)) return behind(html, '>', open + 4);
  if (html.startsWith('>', open + 4) || html.startsWith('->', open + 4)) return behind(html, '>', open + 4);
  const close = html.indexOf('-->', open + 4);
  if (close >= 0) return close + 3;
  sink.raw(html.slice(open + 4));
  return html.length;
}

function startTag(html: string, open: number, sink: HtmlSink, meter: Meter): number {
  let raw = '';
  const end = tagAt(html, open + 1, (name, attributes) => {
    sink.tag(name, false, attributes);
    if (UNSEEN.has(name)) raw = name;
  });
  if (raw === '') return end;
  const closing = new RegExp(`</${raw}`, 'gi');
  closing.lastIndex = end;
  const close = closing.exec(html)?.index ?? html.length;
  meter.steps += close - end;
  sink.raw(html.slice(end, close));
  return close;
}

/** Name and attributes; one that the text ends in counts too, since a reader of mail may be more patient than a browser. */
function tagAt(html: string, start: number, tell: (name: string, attributes: readonly Attribute[]) => void): number {
  let at = start;
  while (at < html.length && !endsName(html[at]!)) at++;
  const name = html.slice(start, Math.min(at, start + NAME_MAX)).toLowerCase();
  const attributes: Attribute[] = [];
  for (;;) {
    while (at < html.length && (isBlank(html[at]!) || html[at] === '/')) at++;
    if (at >= html.length || html[at] === '>') break;
    const from = at;
    at++; // a `=` may begin a name
    while (at < html.length && !endsName(html[at]!) && html[at] !== '=') at++;
    const attribute = html.slice(from, Math.min(at, from + NAME_MAX)).toLowerCase();
    let to = at;
    while (to < html.length && isBlank(html[to]!)) to++;
    let value = '';
    if (html[to] === '=') {
      at = to + 1;
      while (at < html.length && isBlank(html[at]!)) at++;
      const quote = html[at];
      if (quote === '"' || quote === "'") {
        const close = html.indexOf(quote, at + 1);
        value = html.slice(at + 1, close < 0 ? html.length : close);
        at = close < 0 ? html.length : close + 1;
      } else {
        const first = at;
        while (at < html.length && !isBlank(html[at]!) && html[at] !== '>') at++;
        value = html.slice(first, at);
      }
    } else at = to;
    if (attributes.length < ATTRIBUTES_MAX) attributes.push({ name: attribute, value });
  }
  tell(name, attributes);
  return Math.min(at + 1, html.length);
}

function behind(html: string, what: string, from: number): number {
  const found = html.indexOf(what, from);
  return found < 0 ? html.length : found + what.length;
}

const isLetter = (letter: string): boolean => (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
const isBlank = (letter: string): boolean =>
  letter === ' ' || letter === '\n' || letter === '\t' || letter === '\r' || letter === '\f';
const endsName = (letter: string): boolean => isBlank(letter) || letter === '/' || letter === '>';
