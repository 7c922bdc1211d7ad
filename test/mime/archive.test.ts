import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveReader } from '../../src/mime/archive.ts';

interface Entry {
  readonly name: string;
  readonly octets?: Buffer;
  readonly flags?: number;
  readonly centralFlags?: number;
  readonly stored?: boolean;
  readonly unlisted?: boolean;
}

function zip(...entries: readonly Entry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  for (const {
    name,
    octets = Buffer.from('x'),
    flags = 0,
    centralFlags = flags,
    stored = false,
    unlisted,
  } of entries) {
    const body = stored ? octets : deflateRawSync(octets);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(stored ? 0 : 8, 4);
    fields.writeUInt32LE(body.length, 14);
    fields.writeUInt32LE(octets.length, 18);
    const of = (mark: string, bits: number, rest: number): Buffer => {
      fields.writeUInt16LE(bits, 2);
      const length = Buffer.alloc(rest);
      length.writeUInt16LE(Buffer.byteLength(name));
      return Buffer.concat([Buffer.from(mark, 'latin1'), fields, length, Buffer.from(name)]);
    };
    locals.push(of('PK\x03\x04', flags, 4), body);
    if (unlisted !== true) central.push(Buffer.concat([of('PK\x01\x02\x14\0', centralFlags, 18)]));
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length, 10);
  return Buffer.concat([...locals, ...central, end]);
}

/** The end of the directory says that there are more entries than it has. */
function claimingMore(octets: Buffer): Buffer {
  const more = Buffer.from(octets);
  more.writeUInt16LE(9, more.length - 12);
  return more;
}

function listed(octets: Uint8Array, cut = octets.length + 1) {
  const reader = new ArchiveReader({ left: 8 * 1024 * 1024, names: 100_000, room: Buffer.alloc(0) });
  for (let at = 0; at < octets.length; at += cut) reader.write(octets.subarray(at, at + cut));
  const archive = reader.end();
  return { ...archive, names: archive?.entries.map(({ name }) => name), macros: reader.macros };
}
const MANY = Buffer.alloc(2 * 1024 * 1024);
for (let at = 0, n = 1; at < MANY.length; at++) {
  n = (n * 48271) % 0x7fffffff;
  MANY[at] = n;
}

describe('what an archive says it holds', () => {
  test('a sound zip is listed whole', () => {
    const archive = listed(zip({ name: 'a.txt' }, { name: 'b/\u00fc.exe', octets: Buffer.from('MZ') }));
    expect(archive).toMatchObject({
      format: 'zip',
      encrypted: false,
      partial: false,
      names: ['a.txt', 'b/\u00fc.exe'],
    });
  });

  test('an archive within an archive is opened, and what it holds is named behind it', () => {
    const inner = zip({ name: 'run.exe' });
    expect(listed(zip({ name: 'a.zip', octets: inner }))).toMatchObject({
      partial: false,
      names: ['a.zip', 'a.zip/run.exe'],
    });
    expect(listed(zip({ name: 'a.docm', octets: zip({ name: 'word/vbaProject.bin' }), stored: true })).macros).toBe(
      true,
    );
  });

  test.each([
    ['an archive within that cannot be listed', zip({ name: 'a.rar' })],
    [
      'an archive within that went by before what is kept',
      zip({ name: 'a.zip', octets: zip({ name: 'run.exe' }) }, { name: 'b.bin', octets: MANY, stored: true }),
    ],
    ['an entry that the directory does not name', zip({ name: 'a.txt' }, { name: 'run.exe', unlisted: true })],
    ['an entry that is encrypted by one of its headers only', zip({ name: 'a.txt', flags: 0, centralFlags: 1 })],
    ['a directory that claims more than it names', claimingMore(zip({ name: 'a.txt' }))],
    ['a directory without its end', zip({ name: 'a.txt' }).subarray(0, -22)],
    ['an entry that is in the directory only', Buffer.concat([Buffer.from('MZ'), zip({ name: 'a.txt' }).subarray(38)])],
  ])('the listing is partial for %s', (_, octets) => {
    expect(listed(octets)).toMatchObject({ format: 'zip', partial: true });
  });

  test('a large zip without archives within is listed whole, by its directory', () => {
    const archive = listed(zip({ name: 'run.exe' }, { name: 'b.bin', octets: MANY, stored: true }));
    expect(archive).toMatchObject({ partial: false, names: ['run.exe', 'b.bin'] });
  });

  test('a program that ends as a zip is a zip', () => {
    expect(listed(Buffer.concat([Buffer.from('MZ'), Buffer.alloc(900), zip({ name: 'a.js' })]))).toMatchObject({
      format: 'zip',
      names: ['a.js'],
    });
  });

  test('encryption is seen in either header of a zip, and in the end of 7z', () => {
    expect(listed(zip({ name: 'a.txt', flags: 1 })).encrypted).toBe(true);
    expect(listed(zip({ name: 'a.txt', flags: 1, centralFlags: 0 })).encrypted).toBe(true);
    const seven = Buffer.concat([
      Buffer.from("7z\xbc\xaf'\x1c", 'latin1'),
      Buffer.alloc(9000),
      Buffer.from('06f10701', 'hex'),
    ]);
    expect(listed(seven)).toMatchObject({ format: '7z', encrypted: true, partial: true });
    expect(listed(seven.subarray(0, -1)).encrypted).toBe(false);
  });

  test.each([
    ['iso', Buffer.concat([Buffer.alloc(32769), Buffer.from('CD001'), Buffer.alloc(100)])],
    ['ace', Buffer.from('1234567**ACE**')],
    ['arj', Buffer.from('60ea2a001e0b0110000202', 'hex')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
  ])('%s is told, and not listed', (format, octets) => {
    for (const cut of [1, 7, 4096, octets.length])
      expect(listed(octets, cut)).toMatchObject({ format, partial: true, names: [] });
  });

  test('a letter is no archive, whatever it begins with', () => {
    for (const text of ['BZh, was it not?', 'PK is short for', '`\xea is here'])
      expect(listed(Buffer.from(text)).format).toBeUndefined();
  });

  test('any cutting of any octets gives the same, and never an error', () => {
    const seed = zip({ name: 'a.zip', octets: zip({ name: 'b.exe' }) }, { name: 'c', flags: 1, stored: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 60 }),
        (changes, before, cut) => {
          const octets = Buffer.concat([before, seed]);
          for (const [at, octet] of changes) octets[at] = octet;
          expect(listed(octets, cut)).toEqual(listed(octets));
        },
      ),
      { numRuns: 300 },
    );
  });
});
