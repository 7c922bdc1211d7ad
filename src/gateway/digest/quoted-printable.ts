/** Text as quoted-printable (RFC 2045 §6.7): seven-bit, short lines, whatever stands in it. */

/** Text with LF line ends; CRLF comes out. */
export function quotedPrintable(text: string): string {
  return text
    .split('\n')
    .map((line) => softBroken([...Buffer.from(line)].map(quoted)))
    .join('\r\n');
}

function quoted(octet: number, place: number, line: readonly number[]): string {
  const blank = octet === 32 || octet === 9;
  const plain = (octet > 32 && octet < 127 && octet !== 61) || (blank && place < line.length - 1);
  // `From ` and a lone dot at a line's start are changed on some ways (RFC 2049 §3).
  const risky = place === 0 && (octet === 46 || octet === 70);
  return plain && !risky ? String.fromCharCode(octet) : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** §6.7 rule 5: no line over 76 characters, its soft break included; no character is cut. */
function softBroken(pieces: readonly string[]): string {
  let whole = '';
  let line = '';
  for (const piece of pieces) {
    if (line.length + piece.length > LINE_MAX) {
      whole += `${line}=\r\n`;
      line = '';
    }
    line += piece;
  }
  return whole + line;
}
const LINE_MAX = 75;
