/** HTML as a person sees it, roughly: tags taken out, character references read. Linear, and never throws. */

const NAMED: { readonly [name: string]: string } = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', period: '.', sol: '/', colon: ':', commat: '@' },
  ...{
    shy: '',
    zwnj: '',
    zwj: '',
    dot: '.',
    lowbar: '_',
    num: '#',
    quest: '?',
    equals: '=',
    percnt: '%',
    Tab: '\t',
    NewLine: '\n',
  },
};

/** Character references (HTML §13.2.5.72), with or without their semicolon; those of no name we know stay. */
export function withoutReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#[xX]([0-9a-fA-F]{1,8})|#([0-9]{1,8})|([A-Za-z]{2,10}));?/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole;
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}

/** The text between tags. Comments, styles and scripts are not seen. */
export function visibleText(html: string): string {
  let text = '';
  let at = 0;
  const lower = html.toLowerCase();
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) break;
    text += html.slice(at, open);
    const hidden = HIDDEN.find(({ begin }) => lower.startsWith(begin, open));
    const close =
      hidden === undefined ? html.indexOf('>', open) : lower.indexOf(hidden.end, open + hidden.begin.length);
    if (close < 0) {
      at = html.length;
      break;
    }
    // Tags within a word do not part it; those that begin a line do.
    if (/^<\/?(?:p|br|div|td|tr|li|h\d|table|blockquote)\b/i.test(html.slice(open, open + 12))) text += '\n';
    at = close + (hidden?.end.length ?? 1);
  }
  return withoutReferences(text + html.slice(at));
}

const HIDDEN = [
  { begin: '<!--', end: '-->' },
  { begin: '<style', end: '</style>' },
  { begin: '<script', end: '</script>' },
] as const;
