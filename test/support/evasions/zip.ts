/** Zip archives (APPNOTE 6.3), as they should be and as they lie: encrypted, contradicting themselves, with something before them. */
import { crc32, deflateRawSync } from 'node:zlib';
import { FILE_NAME, PASSWORD } from './payload.ts';

interface Shape {
  readonly name?: string;
  readonly stored?: boolean;
  readonly password?: string;
  /** What the central directory says of the entry, where that is not the truth. */
  readonly lie?: { readonly name: string; readonly size: number };
}

export function zip(octets: Buffer, { name = FILE_NAME, stored = false, password, lie }: Shape = {}): Buffer {
  const packed = stored ? octets : deflateRawSync(octets);
  const sum = crc32(octets);
  const data = password === undefined ? packed : encrypt(packed, password, sum);
  const fixed = (entryName: string, size: number): Buffer => {
    const one = Buffer.alloc(26);
    one.writeUInt16LE(20, 0);
    one.writeUInt16LE(password === undefined ? 0 : 1, 2);
    one.writeUInt16LE(stored ? 0 : 8, 4);
    one.writeUInt32LE(0x5c_21_00_00, 6);
    one.writeUInt32LE(sum, 10);
    one.writeUInt32LE(size === 0 ? 0 : data.length, 14);
    one.writeUInt32LE(size, 18);
    one.writeUInt16LE(entryName.length, 22);
    return one;
  };
  const told = lie ?? { name, size: octets.length };
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fixed(name, octets.length), Buffer.from(name), data]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\0', 'latin1'),
    fixed(told.name, told.size),
    Buffer.alloc(14),
    Buffer.from(told.name),
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

export const ZIPS: { readonly [name: string]: (octets: Buffer) => Buffer } = {
  zip: (octets) => zip(octets),
  'zip-encrypted': (octets) => zip(octets, { password: PASSWORD }),
  'zip-encrypted-stored': (octets) => zip(octets, { password: PASSWORD, stored: true }),
  'zip-prefixed': (octets) => Buffer.concat([Buffer.from('#!/bin/sh\n# unpacks itself\nexit 0\n'), zip(octets)]),
  'zip-contradicting': (octets) => zip(octets, { name: 'notes.com', lie: { name: 'notes.txt', size: 0 } }),
};

/** Traditional PKWARE encryption (APPNOTE §6.1): twelve octets of header, the last to check the password by. */
function encrypt(octets: Buffer, password: string, sum: number): Buffer {
  const keys = new Keys(password);
  const header = Buffer.alloc(12, 7);
  header[11] = sum >>> 24;
  return Buffer.from([...header, ...octets].map((octet) => keys.take(octet, octet)));
}

export function decrypt(octets: Buffer, password: string): Buffer {
  const keys = new Keys(password);
  return Buffer.from([...octets].map((octet) => keys.take(octet))).subarray(12);
}

class Keys {
  #one = 0x12345678;
  #two = 0x23456789;
  #three = 0x34567890;

  constructor(password: string) {
    for (const octet of Buffer.from(password)) this.#update(octet);
  }

  /** Enciphers or deciphers one octet; `plain` where it is known. */
  take(octet: number, plain?: number): number {
    const two = (this.#three | 2) & 0xffff;
    const out = octet ^ ((Math.imul(two, two ^ 1) >>> 8) & 255);
    this.#update(plain ?? out);
    return out;
  }

  #update(plain: number): void {
    this.#one = step(this.#one, plain);
    this.#two = (Math.imul((this.#two + (this.#one & 255)) >>> 0, 134775813) + 1) >>> 0;
    this.#three = step(this.#three, this.#two >>> 24);
  }
}

/** One octet of CRC-32 without its inversions. */
const step = (sum: number, octet: number): number => {
  let next = (sum ^ octet) & 255;
  for (let bit = 0; bit < 8; bit += 1) next = next & 1 ? (next >>> 1) ^ 0xedb88320 : next >>> 1;
  return ((sum >>> 8) ^ next) >>> 0;
};
