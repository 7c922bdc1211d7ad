/** Encodings by which octets become text, some as their standards say, some as senders bend them. */
import { FILE_NAME } from './payload.ts';

const CRLF = '\r\n';
const letters = (octets: Buffer): string => octets.toString('base64');
const lines = (text: string, length: number): string =>
  text.replace(new RegExp(`(.{${length}})(?=.)`, 'g'), `$1${CRLF}`);
const hex = (octet: number): string => octet.toString(16).padStart(2, '0').toUpperCase();

export const ENCODINGS: { readonly [name: string]: (octets: Buffer) => string } = {
  base64: (octets) => lines(letters(octets), 76),
  /** All of it on one line. */
  'base64-line': letters,
  'base64-ones': (octets) => lines(letters(octets), 1),
  'base64-blanks': (octets) => letters(octets).replace(/(.{7})/g, '$1 \t'),
  /** Characters that are not of the alphabet: ignored, says RFC 2045 §6.8. */
  'base64-foreign': (octets) => lines(letters(octets).replace(/(.{5})/g, '$1*.'), 70),
  /** As in an answer that quotes. */
  'base64-quoted': (octets) => `> ${lines(letters(octets), 70).replaceAll(CRLF, `${CRLF}> `)}`,
  'base64-nul': (octets) => lines(letters(octets).replace(/(.{9})/g, '$1\0'), 70),
  /** Padding that begins what it should end: two pieces, each with its own. */
  'base64-pieces': (octets) => `${letters(octets.subarray(0, 1))}${CRLF}${letters(octets.subarray(1))}`,
  'base64-unpadded': (octets) => lines(letters(octets).replace(/=+$/, ''), 76),
  /** Empty lines in between. */
  'base64-gaps': (octets) => lines(letters(octets), 20).replaceAll(CRLF, CRLF + CRLF),
  qp: (octets) => lines([...octets].map((octet) => `=${hex(octet)}`).join(''), 72).replaceAll(CRLF, `=${CRLF}`),
  'qp-lower': (octets) =>
    lines([...octets].map((octet) => `=${hex(octet).toLowerCase()}`).join(''), 72).replaceAll(CRLF, `=${CRLF}`),
  /** A soft line break after each character. */
  'qp-soft': (octets) => [...octets].map((octet) => quotedSign(octet)).join(`=${CRLF}`),
  /** Blanks after the `=` that ends a line. */
  'qp-soft-blanks': (octets) =>
    lines([...octets].map((octet) => quotedSign(octet)).join(''), 30).replaceAll(CRLF, `= \t${CRLF}`),
  uu: (octets) => [`begin 644 ${FILE_NAME}`, ...uuLines(octets), '`', 'end'].join(CRLF),
  /** Its end is missing. */
  'uu-open': (octets) => [`begin 644 ${FILE_NAME}`, ...uuLines(octets)].join(CRLF),
  /** As POSIX has it: `uuencode -m`. */
  'uu-base64': (octets) => [`begin-base64 644 ${FILE_NAME}`, lines(letters(octets), 60), '===='].join(CRLF),
  yenc: (octets) => {
    const body = [...octets].map((octet) => yencSign((octet + 42) % 256)).join('');
    return [`=ybegin line=128 size=${octets.length} name=${FILE_NAME}`, body, `=yend size=${octets.length}`].join(CRLF);
  },
  binhex,
  /** UTF-7 (RFC 2152): all of it shifted. */
  utf7: (octets) => `+${letters(Buffer.from(octets.toString('latin1'), 'utf16le').swap16()).replace(/=+$/, '')}-`,
  utf16: (octets) => `\xff\xfe${Buffer.from(octets.toString('latin1'), 'utf16le').toString('latin1')}`,
};

const quotedSign = (octet: number): string =>
  octet === 0x3d || octet > 126 || octet < 33 ? `=${hex(octet)}` : String.fromCharCode(octet);

function uuLines(octets: Buffer): string[] {
  const sign = (six: number): string => (six === 0 ? '`' : String.fromCharCode(six + 32));
  const out: string[] = [];
  for (let at = 0; at < octets.length; at += 45) {
    const piece = octets.subarray(at, at + 45);
    let line = sign(piece.length);
    for (let n = 0; n < piece.length; n += 3) {
      const three = ((piece[n] ?? 0) << 16) | ((piece[n + 1] ?? 0) << 8) | (piece[n + 2] ?? 0);
      line += [18, 12, 6, 0].map((shift) => sign((three >> shift) & 63)).join('');
    }
    out.push(line);
  }
  return out;
}

const yencSign = (octet: number): string =>
  [0, 10, 13, 61].includes(octet) ? `=${String.fromCharCode((octet + 64) % 256)}` : String.fromCharCode(octet);

export const BINHEX_SIGNS = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';

/** BinHex 4.0 (RFC 1741 §A): a header, the data, a resource fork of nothing, each with its CRC. */
function binhex(octets: Buffer): string {
  const header = Buffer.alloc(FILE_NAME.length + 20);
  header.writeUInt8(FILE_NAME.length, 0);
  header.write(`${FILE_NAME}\0TEXTttxt`, 1, 'latin1');
  header.writeUInt32BE(octets.length, FILE_NAME.length + 12);
  const whole = Buffer.concat([header, crc(header), octets, crc(octets), crc(Buffer.alloc(0))]);
  const bits = [...Buffer.from(whole.toString('latin1').replaceAll('\x90', '\x90\0'), 'latin1')]
    .map((octet) => octet.toString(2).padStart(8, '0'))
    .join('');
  const signs = (bits.match(/.{1,6}/g) ?? []).map((six) => BINHEX_SIGNS[Number.parseInt(six.padEnd(6, '0'), 2)]);
  return `(This file must be converted with BinHex 4.0)${CRLF}${CRLF}${lines(`:${signs.join('')}:`, 64)}`;
}

/** CRC-CCITT, as BinHex has it. */
function crc(octets: Buffer): Buffer {
  let sum = 0;
  for (const octet of octets) {
    sum ^= octet << 8;
    for (let bit = 0; bit < 8; bit += 1) sum = ((sum << 1) ^ (sum & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return Buffer.from([sum >> 8, sum & 255]);
}
