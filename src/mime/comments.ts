/** A structured field without its comments (RFC 5322 §3.2.2): they nest, hold anything, and are white space to those who know them. */

const BACKSLASH = 92;
const QUOTE = 34;
const OPEN = 40;
const CLOSE = 41;

/** What a comment that is never closed begins stays: some readers see it. */
export function withoutComments(value: string): string {
  if (!value.includes('(')) return value;
  let out = '';
  let from = 0;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE && depth === 0) quoted = !quoted;
    else if (quoted) continue;
    else if (code === OPEN) {
      if (depth++ > 0) continue;
      out += value.slice(from, at);
      from = at;
    } else if (code === CLOSE && depth > 0 && --depth === 0) {
      out += ' ';
      from = at + 1;
    }
  }
  return out + value.slice(from);
}
