/** The little of DER that a certificate is made of (X.690 §8 and §10). */

type Octets = Uint8Array;

const SHORT = 0x80;

export function tagged(tag: number, ...parts: readonly Octets[]): Octets {
  const content = Buffer.concat(parts);
  if (content.length < SHORT) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = trimmed(Buffer.from(content.length.toString(16).padStart(8, '0'), 'hex'));
  return Buffer.concat([Buffer.of(tag, SHORT | length.length), length, content]);
}

export const sequence = (...parts: readonly Octets[]): Octets => tagged(0x30, ...parts);
export const set = (...parts: readonly Octets[]): Octets => tagged(0x31, ...parts);
export const octetString = (content: Octets): Octets => tagged(0x04, content);
export const utf8String = (text: string): Octets => tagged(0x0c, Buffer.from(text, 'utf8'));
export const TRUE: Octets = tagged(0x01, Buffer.of(0xff));

/** Of a whole number of octets. */
export const bitString = (content: Octets): Octets => tagged(0x03, Buffer.of(0), content);

/** Not negative, however its octets begin. */
export function integer(octets: Octets): Octets {
  const least = trimmed(octets);
  return tagged(0x02, least[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), least]) : least);
}

export function objectIdentifier(dotted: string): Octets {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  return tagged(0x06, Buffer.from([first! * 40 + second!, ...rest.flatMap(base128)]));
}

/** UTCTime until 2049, then GeneralizedTime (RFC 5280 §4.1.2.5). */
export function time(at: number): Octets {
  const date = new Date(at);
  const text = `${date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')}`;
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text));
}

function trimmed(octets: Octets): Octets {
  let from = 0;
  while (from < octets.length - 1 && octets[from] === 0) from++;
  return octets.subarray(from);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}
