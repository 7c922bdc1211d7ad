/** Files that hold another file. */
import { gzipSync } from 'node:zlib';
import { FILE_NAME } from './payload.ts';
import { ZIPS } from './zip.ts';

export const CONTAINERS: { readonly [name: string]: (octets: Buffer) => Buffer } = {
  ...ZIPS,
  gzip: (octets) => gzipSync(octets),
  tar,
  tnef,
  'apple-single': appleSingle,
  /** A picture to whoever looks at its first octets, an archive to whoever looks at its last. */
  png: (octets) => Buffer.concat([PIXEL, octets]),
  /** Begins as programs of Windows do; the file is what it carries. */
  program: (octets) => Buffer.concat([PROGRAM, octets]),
  /** HTML that hands its reader a file that no mail system saw as one. */
  'html-link': (octets) =>
    Buffer.from(
      `<html><body><a download="${FILE_NAME}" href="data:application/octet-stream;base64,${octets.toString('base64')}">Open</a></body></html>`,
    ),
  'html-script': (octets) =>
    Buffer.from(
      `<html><body><script>const file = new Blob([atob("${octets.toString('base64')}")]);\r\nlocation = URL.createObjectURL(file)</script></body></html>`,
    ),
  /** 75,000 octets: what it needs for a line of 100 kB. */
  long: (octets) => Buffer.concat([octets, Buffer.alloc(75_000 - octets.length, 0x20)]),
};

/** MZ, and where the header of a PE file lies; then that header's first octets. */
const PROGRAM = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  Buffer.from([64, 0, 0, 0]),
  Buffer.from('PE\0\0L\x01'),
]);

/** A picture of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function tar(octets: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(FILE_NAME, 0);
  header.write('0000644\x000000000\x000000000\x00', 100);
  header.write(`${octets.length.toString(8).padStart(11, '0')}\x0014000000000\x00        0`, 124);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((all, octet) => all + octet, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148);
  return Buffer.concat([header, octets, Buffer.alloc(512 - (octets.length % 512)), Buffer.alloc(1024)]);
}

/** RFC 1740 §A: a header, and the place of the one fork, which holds the data. */
function appleSingle(octets: Buffer): Buffer {
  const head = Buffer.alloc(38);
  head.writeUInt32BE(0x00051600, 0);
  head.writeUInt32BE(0x00020000, 4);
  head.writeUInt16BE(1, 24);
  head.writeUInt32BE(1, 26);
  head.writeUInt32BE(head.length, 30);
  head.writeUInt32BE(octets.length, 34);
  return Buffer.concat([head, octets]);
}

/** Outlook's winmail.dat ([MS-OXTNEF] §2.1): a file with one attachment. */
function tnef(octets: Buffer): Buffer {
  const start = Buffer.alloc(6);
  start.writeUInt32LE(0x223e9f78, 0);
  start.writeUInt16LE(1, 4);
  return Buffer.concat([
    start,
    attribute(1, 0x00089006, Buffer.from([0, 0, 1, 0])),
    attribute(2, 0x00069002, Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0x20, 0, 0, 0, 0, 0])),
    attribute(2, 0x00018010, Buffer.from(`${FILE_NAME}\x00`)),
    attribute(2, 0x0006800f, octets),
  ]);
}

function attribute(level: number, id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(level, 0);
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(data.length, 5);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(data.reduce((all, octet) => (all + octet) & 0xffff, 0));
  return Buffer.concat([head, data, sum]);
}
