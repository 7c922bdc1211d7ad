/** Text as quoted-printable (RFC 2045 §6.7): UTF-8 that any mail server carries. */

/** Lines ended by LF or CRLF; the result has CRLF, at most 76 characters a line, and ends as the text does. */
export const quotedPrintable = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => softBroken(encodedLine(line)))
    .join('\r\n');

const LINE_MAX = 76; // §6.7 rule 5, with the = of a soft break

function encodedLine(line: string): readonly string[] {
  const letters = Array.from(encoder.encode(line), (octet) =>
    octet === 61 || octet < 32 || octet > 126 ? hex(octet) : String.fromCharCode(octet),
  );
  // A space that ends a line may get lost on the way (§6.7 rule 3); a line that begins with From or is a dot is no trouble so.
  const last = letters.length - 1;
  if (letters[last] === ' ') letters[last] = hex(32);
  if (letters[0] === '.' || line.startsWith('From ')) letters[0] = hex(letters[0]!.charCodeAt(0));
  return letters;
}

function softBroken(letters: readonly string[]): string {
  let text = '';
  let length = 0;
  letters.forEach((letter, n) => {
    const room = n === letters.length - 1 ? LINE_MAX : LINE_MAX - 1;
    if (length + letter.length > room) {
      text += '=\r\n';
      length = 0;
    }
    text += letter;
    length += letter.length;
  });
  return text;
}

const hex = (octet: number): string => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
const encoder = new TextEncoder();
