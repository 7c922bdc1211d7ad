/** Archives made by hand, octet by octet, so that tests rest on no tool. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMember {
  readonly name: string;
  readonly body?: Buffer | string;
  readonly deflate?: boolean;
  readonly encrypted?: boolean;
  /** Only in local headers, or only in the central directory. */
  readonly only?: 'local' | 'central';
  /** Sizes stand behind the body (APPNOTE 4.4.4 bit 3). */
  readonly streamed?: boolean;
  /** By the field that Info-ZIP has for names in Unicode. */
  readonly unicode?: string;
}

/** APPNOTE 4.3. */
export function zip(members: readonly ZipMember[]): Buffer {
  const pieces: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, body = '', deflate = false, encrypted = false, only, streamed = false, unicode } of members) {
    const plain = Buffer.from(body as string);
    const packed = deflate ? deflateRawSync(plain) : plain;
    const field = unicode === undefined ? Buffer.alloc(0) : unicodePath(name, unicode);
    const written = Buffer.concat([Buffer.from(name, 'utf8'), field]);
    const flags = (encrypted ? 1 : 0) | (streamed ? 8 : 0);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(flags, 2);
    shared.writeUInt16LE(deflate ? 8 : 0, 4);
    shared.writeUInt32LE(crc32(plain), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(plain.length, 18);
    shared.writeUInt16LE(written.length - field.length, 22);
    shared.writeUInt16LE(field.length, 24);
    const local = Buffer.from(shared);
    if (streamed) local.fill(0, 10, 22);
    const entry = Buffer.concat([
      Buffer.from('PK\x01\x02\x14\0', 'latin1'),
      shared,
      Buffer.alloc(10),
      uint32(at),
      written,
    ]);
    if (only !== 'local') central.push(entry);
    if (only === 'central') continue;
    const behind = streamed
      ? Buffer.concat([
          Buffer.from('PK\x07\x08', 'latin1'),
          uint32(crc32(plain)),
          uint32(packed.length),
          uint32(plain.length),
        ])
      : Buffer.alloc(0);
    const member = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), local, written, packed, behind]);
    pieces.push(member);
    at += member.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...pieces, directory, end]);
}

/** APPNOTE §4.6.9: version, CRC of the name it stands for, and the name. */
const unicodePath = (name: string, unicode: string): Buffer =>
  Buffer.concat([
    ...[uint16(0x7075), uint16(5 + Buffer.byteLength(unicode)), Buffer.from([1]), uint32(crc32(Buffer.from(name)))],
    Buffer.from(unicode),
  ]);

/** POSIX ustar; a name over 100 octets as GNU writes it, in a member of its own. */
export function tar(
  members: readonly { readonly name: string; readonly body?: string; readonly prefix?: string }[],
): Buffer {
  const pieces: Buffer[] = [];
  for (const { name, body = '', prefix = '' } of members) {
    if (name.length > 100) pieces.push(tarMember('././@LongLink', `${name}\0`, 'L', ''));
    pieces.push(tarMember(name.slice(0, 100), body, '0', prefix));
  }
  return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

/** A member with its header: `kind` is the type flag. */
export function tarMember(name: string, body: string, kind: string, prefix: string): Buffer {
  const octets = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  header.write(`${octets.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write(kind, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345, 'latin1');
  return Buffer.concat([header, octets, Buffer.alloc((512 - (octets.length % 512)) % 512)]);
}

export interface RarMember {
  readonly name: string;
  readonly body?: string;
  readonly encrypted?: boolean;
  /** RAR 4: what follows the NUL behind the name. */
  readonly second?: readonly number[];
}

/** RAR 1.5 to 4; check sums are none. `locked`: headers need a password. */
export function rar4(members: readonly RarMember[], locked = false): Buffer {
  const pieces: Buffer[] = [Buffer.from('Rar!\x1a\x07\0', 'latin1'), block4(0x73, locked ? 0x80 : 0, Buffer.alloc(6))];
  for (const { name, body = 'x', encrypted = false, second } of members) {
    const written = Buffer.concat([
      Buffer.from(name, 'latin1'),
      Buffer.from(second === undefined ? [] : [0, ...second]),
    ]);
    const fields = Buffer.alloc(25);
    fields.writeUInt32LE(body.length, 0);
    fields.writeUInt32LE(body.length, 4);
    fields.writeUInt16LE(written.length, 19);
    pieces.push(
      block4(0x74, 0x8000 | (encrypted ? 4 : 0) | (second === undefined ? 0 : 0x200), Buffer.concat([fields, written])),
      Buffer.from(body),
    );
  }
  return Buffer.concat([...pieces, block4(0x7b, 0, Buffer.alloc(0))]);
}

function block4(type: number, flags: number, rest: Buffer): Buffer {
  return Buffer.concat([uint16(0), Buffer.from([type]), uint16(flags), uint16(7 + rest.length), rest]);
}

/** RAR 5; check sums are none. */
export function rar5(members: readonly RarMember[], locked = false): Buffer {
  const pieces: Buffer[] = [Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')];
  if (locked) pieces.push(block5([4, 0, 0, 0, 15]));
  pieces.push(block5([1, 0, 0]));
  for (const { name, body = 'x', encrypted = false } of members) {
    const extra = encrypted ? [3, 1, 0, 0] : [];
    const written = [...Buffer.from(name, 'utf8')];
    const numbers = [...number(body.length), 0, ...number(body.length), 0, 0, 0, ...number(written.length)];
    const head = [2, encrypted ? 3 : 2, ...(encrypted ? number(extra.length) : [])];
    pieces.push(block5([...head, ...numbers, ...written, ...extra]), Buffer.from(body));
  }
  return Buffer.concat([...pieces, block5([5, 0, 0])]);
}

const block5 = (octets: readonly number[]): Buffer => Buffer.from([0, 0, 0, 0, ...number(octets.length), ...octets]);
const number = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)]);

export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(value);
  return octets;
}

export function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16LE(value);
  return octets;
}

/** Base64 in lines of 76. */
export const base64Lines = (octets: Buffer | string): string =>
  Buffer.from(octets as string)
    .toString('base64')
    .replace(/(.{76})/g, '$1\n');
