/** What a person reads of HTML: tags away, entities decoded, blanks as one, scripts and style sheets left out. */
import { type HtmlSink, scanHtml } from './html-scan.ts';
import { Meter } from './meter.ts';

/** Where a line ends on the screen. Other tags stand within words: `V<b>ia</b>gra` is one. */
const BLOCKS: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote body br button caption center dd div dl dt fieldset figcaption figure footer form frame h1 h2 ' +
    'h3 h4 h5 h6 head header hr html iframe img input legend li main nav object ol option p pre section select table tbody td ' +
    'textarea tfoot th thead title tr ul'
  ).split(' '),
);
/** Shown as nothing, and so put into words that must not be found: soft hyphen, zero-width and invisible ones. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]+/g;

export const breaksLine = (tag: string): boolean => BLOCKS.has(tag);

export function visibleText(html: string, meter: Meter = new Meter()): string {
  const pieces: string[] = [];
  const sink: HtmlSink = {
    text: (text) => pieces.push(text.replace(INVISIBLE, '').replace(/[ \t\r\n\f\u00a0]+/g, ' ')),
    tag: (name) => {
      if (breaksLine(name)) pieces.push('\n');
    },
    raw: () => {},
  };
  scanHtml(html, sink, meter);
  return pieces.join('');
}
