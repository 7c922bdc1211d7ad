/** Base64 (RFC 4648 §4) read without Node. */

/** Undefined where a character is none of the alphabet; white space is passed over, missing padding is forgiven. */
export function base64Octets(text: string): number[] | undefined {
  const octets: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    if (letter === '=') break;
    if (letter === ' ' || letter === '\t' || letter === '\r' || letter === '\n') continue;
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      octets.push((held >> bits) & 0xff);
    }
  }
  return octets;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
