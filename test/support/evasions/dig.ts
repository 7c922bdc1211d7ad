/** A reader that believes no header: decodes whatever can be decoded until the test file lies bare, and tells by which steps. */
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { BINHEX_SIGNS } from './encodings.ts';
import { EICAR, PASSWORD } from './payload.ts';
import { decrypt } from './zip.ts';

/** Archives within archives within messages within messages. */
const DEPTH_MAX = 8;

/** The steps to the payload, outermost first; undefined where it is not there. */
export function dig(octets: Buffer): readonly string[] | undefined {
  let layer: { readonly octets: Buffer; readonly steps: readonly string[] }[] = [{ octets, steps: [] }];
  const seen = new Set<string>();
  for (let depth = 0; depth <= DEPTH_MAX && layer.length > 0; depth += 1) {
    const found = layer.find((one) => one.octets.includes(EICAR));
    if (found !== undefined) return found.steps;
    layer = layer.flatMap((one) =>
      Object.entries(SPADES).flatMap(([step, spade]) =>
        spade(one.octets)
          .filter((next) => next.length >= EICAR.length && !seen.has(next.toString('latin1')))
          .map((next) => {
            seen.add(next.toString('latin1'));
            return { octets: next, steps: [...one.steps, step] };
          }),
      ),
    );
  }
  return undefined;
}

const SPADES: { readonly [step: string]: (octets: Buffer) => Buffer[] } = {
  base64: (octets) => paragraphs(octets).flatMap(fromBase64),
  'quoted-printable': (octets) => {
    const text = octets.toString('latin1');
    if (!/=[0-9a-fA-F]{2}|=\s*\r\n/.test(text)) return [];
    const joined = text.replace(/=[ \t]*\r\n/g, '');
    return [
      latin(joined.replace(/=([0-9a-fA-F]{2})/g, (_, two: string) => String.fromCharCode(Number.parseInt(two, 16)))),
    ];
  },
  uuencode: (octets) =>
    [...octets.toString('latin1').matchAll(/^begin \d+ .*\r\n([\s\S]*?)(?:^end|\r\n\r\n|^--)/gm)].map(([, body]) =>
      fromUu(body!),
    ),
  yEnc: (octets) =>
    [...octets.toString('latin1').matchAll(/^=ybegin .*\r\n([\s\S]*?)\r\n=yend/gm)].map(([, body]) =>
      Buffer.from(
        [
          ...latin(
            body!
              .replace(/\r\n/g, '')
              .replace(/=([\s\S])/g, (_, sign: string) => String.fromCharCode((sign.charCodeAt(0) + 192) % 256)),
          ),
        ].map((octet) => (octet + 214) % 256),
      ),
    ),
  BinHex: (octets) =>
    [...octets.toString('latin1').matchAll(/^:([^:]+):/gm)].map(([, body]) => {
      const bits = [...body!.replace(/\s/g, '')]
        .map((sign) => BINHEX_SIGNS.indexOf(sign).toString(2).padStart(6, '0'))
        .join('');
      return fromBits(bits);
    }),
  'UTF-7': (octets) =>
    [...octets.toString('latin1').matchAll(/\+([A-Za-z0-9+/]{20,})-/g)].map(([, body]) => {
      const wide = Buffer.from(body!, 'base64');
      return latin(
        wide
          .subarray(0, wide.length & ~1)
          .swap16()
          .toString('utf16le'),
      );
    }),
  'UTF-16': (octets) =>
    octets.includes('\xff\xfe<\0', 0, 'latin1') ? [latin(octets.toString('latin1').replaceAll('\0', ''))] : [],
  unzip: (octets) => offsets(octets, Buffer.from('PK\x03\x04')).flatMap((at) => fromZip(octets.subarray(at))),
  gunzip: (octets) =>
    offsets(octets, Buffer.from([0x1f, 0x8b, 8])).flatMap((at) => attempt(() => gunzipSync(octets.subarray(at)))),
};

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

/** What stands between empty lines and boundaries, each alone and all that follows one another together. */
function paragraphs(octets: Buffer): string[] {
  const text = octets.toString('latin1');
  return [
    ...text.split(/\r\n(?:[ \t]*\r\n)+|^--.*\r\n/m),
    ...text.split(/^--.*$/m).map((one) => one.replace(/^[\s\S]*?\r\n\r\n/, '')),
  ].flatMap((one) => [one, ...(one.match(/[A-Za-z0-9+/]{60,}/g) ?? []), one.split(/\r\n/).slice(1).join('')]);
}

/** At each of the four places where a group may begin; padding ends a piece. */
function fromBase64(text: string): Buffer[] {
  const signs = text.replace(/[^A-Za-z0-9+/=]/g, '');
  const pieces = signs.split(/=+/).map((piece) => Buffer.from(piece, 'base64'));
  return [
    Buffer.concat(pieces),
    ...[0, 1, 2, 3].map((at) => Buffer.from(signs.replaceAll('=', '').slice(at), 'base64')),
  ];
}

function fromUu(body: string): Buffer {
  const out = body.split('\r\n').map((line) => {
    const bits = [...line.slice(1)]
      .map((sign) => ((sign.charCodeAt(0) - 32) & 63).toString(2).padStart(6, '0'))
      .join('');
    return fromBits(bits).subarray(0, (line.charCodeAt(0) - 32) & 63);
  });
  return Buffer.concat(out);
}

const fromBits = (bits: string): Buffer =>
  Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));

function offsets(octets: Buffer, mark: Buffer): number[] {
  const out: number[] = [];
  for (let at = octets.indexOf(mark); at !== -1; at = octets.indexOf(mark, at + 1)) out.push(at);
  return out;
}

/** By its local header alone. */
function fromZip(octets: Buffer): Buffer[] {
  if (octets.length < 30) return [];
  const start = 30 + octets.readUInt16LE(26) + octets.readUInt16LE(28);
  const packed = octets.subarray(start, start + octets.readUInt32LE(18));
  const plain = octets.readUInt16LE(6) & 1 ? decrypt(packed, PASSWORD) : packed;
  return octets.readUInt16LE(8) === 0 ? [plain] : attempt(() => inflateRawSync(plain));
}

function attempt(unpack: () => Buffer): Buffer[] {
  try {
    return [unpack()];
  } catch {
    return []; // what looked like an archive was none
  }
}
