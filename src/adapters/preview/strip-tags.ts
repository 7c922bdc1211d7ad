/** The text of HTML with everything else dropped: nothing is rendered, fetched or believed; linear in what it reads. */

/** Tags, comments, scripts and styles go, entities that text needs are read, blank space is gathered. */
export function stripTags(html: string, limit: number): string {
  const kept: string[] = [];
  let at = 0;
  let length = 0;
  const lower = html.toLowerCase();
  while (at < html.length && length < limit * SPARE) {
    const open = html.indexOf('<', at);
    const text = html.slice(at, open === -1 ? undefined : open);
    kept.push(text);
    length += text.length;
    if (open === -1) break;
    if (!TAG.test(lower.charAt(open + 1))) {
      kept.push('<'); // of `1 < 2`: no reader takes it for a tag
      at = open + 1;
      continue;
    }
    const after = endOf(lower, open);
    if (after === -1) break;
    kept.push(BREAKS.test(lower.slice(open, open + TAG_NAME_MAX)) ? '\n' : ' ');
    at = after;
  }
  return entities(kept.join(''))
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim()
    .slice(0, limit);
}

/** Blank space that goes counts until it is gone. */
const SPARE = 4;
const TAG = /[a-z/!?]/;
const TAG_NAME_MAX = 12;
const BREAKS = /^<\/?(?:p|br|div|tr|li|h[1-6]|table|blockquote)\b/;

/** Where what begins with `<` is over; -1 where it never is, which ends all text: each end is looked for once. */
function endOf(lower: string, open: number): number {
  const end = (mark: string, from: number): number => {
    const found = lower.indexOf(mark, from);
    return found === -1 ? -1 : found + mark.length;
  };
  if (lower.startsWith('<!--', open)) return end('-->', open + 4);
  for (const unseen of ['script', 'style', 'head', 'title']) {
    if (!lower.startsWith(`<${unseen}`, open) || /[a-z0-9]/.test(lower.charAt(open + 1 + unseen.length))) continue;
    const close = end(`</${unseen}`, open);
    return close === -1 ? -1 : end('>', close);
  }
  return end('>', open);
}

const NAMED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

const entities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
  });
