/** Text beyond ASCII written as encoded words (RFC 2047), for fields of our own. */

/** One or more words with a space between them, each at most 75 characters (§2), no character cut in two (§5). */
export function encodeWords(text: string): string {
  const words: string[] = [];
  let word = '';
  for (const letter of text) {
    const more = quoted(letter);
    if (word.length + more.length > ROOM) {
      words.push(word);
      word = '';
    }
    word += more;
  }
  return [...words, word].map((encoded) => `${OPEN}${encoded}${CLOSE}`).join(' ');
}

/** Whether a text can stand in a field as it is: printable ASCII that nobody takes for an encoded word. */
export const isPlainText = (text: string): boolean => /^[\x20-\x7e]*$/.test(text) && !text.includes('=?');

const OPEN = '=?utf-8?q?';
const CLOSE = '?=';
const ROOM = 75 - OPEN.length - CLOSE.length;

/** The encoding Q, in its narrowest form, which is right in any field (RFC 2047 §5 rule 3). */
function quoted(letter: string): string {
  if (letter === ' ') return '_';
  if (/^[A-Za-z0-9!*+/-]$/.test(letter)) return letter;
  return Array.from(encoder.encode(letter), (octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(
    '',
  );
}

const encoder = new TextEncoder();
