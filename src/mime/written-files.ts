/** Files written into a text, decoded: uuencode (both forms) and yEnc, piece by piece. */

import { Base64 } from './base64-decoder.ts';

type Take = (line: string) => Buffer | undefined;

/** What is no line of the encoding is passed over. */
export async function* writtenFile(
  reading: 'uuencode' | 'yenc',
  octets: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  let rest = '';
  let take: Take | undefined;
  for await (const chunk of octets) {
    const lines = (rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX) rest = '';
    const found: Buffer[] = [];
    for (const line of lines) {
      const bare = line.replace(/\r$/, '');
      if (take === undefined) take = begins(reading, bare);
      else found.push(take(bare) ?? Buffer.alloc(0));
    }
    if (found.length > 0) yield Buffer.concat(found);
  }
  const last = take?.(rest.replace(/\r$/, ''));
  if (last !== undefined && last.length > 0) yield last;
}

/** Lines of yEnc have at most 254 octets or so, of uuencode 61; what is far longer is neither. */
const LINE_MAX = 64 * 1024;

function begins(reading: 'uuencode' | 'yenc', line: string): Take | undefined {
  if (reading === 'yenc') return /^=ybegin /.test(line) ? yencLine : undefined;
  if (/^begin-base64 /i.test(line)) return base64Lines();
  return /^begin [0-7]{3,4} /i.test(line) ? uuLine : undefined;
}

/** A group of four may lie across two lines. */
function base64Lines(): Take {
  const decoder = new Base64();
  return (line) => {
    const found: Uint8Array[] = [];
    decoder.write(Buffer.from(line, 'latin1'), (octets) => found.push(octets));
    return Buffer.concat(found);
  };
}

/** A length, then four characters for three octets, each its six bits and 32. */
function uuLine(line: string): Buffer | undefined {
  const length = (line.charCodeAt(0) - 32) & 63;
  if (line === '' || /^end$/i.test(line) || length === 0) return undefined;
  const octets = Buffer.alloc(Math.ceil((line.length - 1) / 4) * 3);
  const six = (at: number): number => (at < line.length ? (line.charCodeAt(at) - 32) & 63 : 0);
  for (let at = 1, to = 0; at < line.length; at += 4, to += 3) {
    octets[to] = (six(at) << 2) | (six(at + 1) >> 4);
    octets[to + 1] = ((six(at + 1) & 15) << 4) | (six(at + 2) >> 2);
    octets[to + 2] = ((six(at + 2) & 3) << 6) | six(at + 3);
  }
  return octets.subarray(0, length);
}

function yencLine(line: string): Buffer | undefined {
  if (line.startsWith('=y')) return undefined;
  const octets = Buffer.alloc(line.length);
  let to = 0;
  for (let at = 0; at < line.length; at++) {
    const escaped = line[at] === '=' && at + 1 < line.length;
    if (escaped) at++;
    octets[to++] = (line.charCodeAt(at) - 42 - (escaped ? 64 : 0)) & 255;
  }
  return octets.subarray(0, to);
}
