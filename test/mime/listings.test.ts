/** Listings of RAR and tar, whose names stand in headers between what is packed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveReader } from '../../src/mime/archive.ts';
import { unicodeName } from '../../src/mime/rar-name.ts';
import { rar4, rar5, tar, tarMember, zip } from '../support/archives.ts';

function listed(octets: Uint8Array, cut = octets.length + 1) {
  const reader = new ArchiveReader({ left: 0, names: 100_000, room: Buffer.alloc(0) });
  for (let at = 0; at < octets.length; at += cut) reader.write(octets.subarray(at, at + cut));
  const archive = reader.end()!;
  return { ...archive, entries: archive.entries.map(({ name }) => name) };
}
const CUTS = [1, 2, 7, 100, 4096];

describe.each([
  ['4', rar4],
  ['5', rar5],
] as const)('RAR %s', (_, rar) => {
  const members = [{ name: 'docs/a.txt', body: 'y'.repeat(5000) }, { name: 'run.exe' }];

  test('names are listed, whatever is packed between them', () => {
    for (const cut of CUTS)
      expect(listed(rar(members), cut)).toEqual({
        ...{ format: 'rar', encrypted: false, entries: ['docs/a.txt', 'run.exe'], partial: false },
        ...{ extensions: ['txt', 'exe'], cut: false },
      });
  });

  test('one file behind a password, or all of them with their names', () => {
    expect(listed(rar([...members, { name: 'b.txt', encrypted: true }]))).toMatchObject({
      ...{ encrypted: true, partial: false, entries: ['docs/a.txt', 'run.exe', 'b.txt'] },
    });
    expect(listed(rar(members, true))).toMatchObject({ encrypted: true, partial: true, entries: [] });
  });

  test('what is cut off is partial', () => {
    const whole = rar(members);
    for (const length of [7, 8, 20, 100, whole.length - 12])
      expect(listed(whole.subarray(0, length)), String(length)).toMatchObject({ format: 'rar', partial: true });
  });

  test('a thousand names are listed, and of more the endings', () => {
    const many = rar([...Array.from({ length: 1001 }, (_unused, n) => ({ name: `${n}` })), { name: 'run.exe' }]);
    expect(listed(many)).toMatchObject({ partial: true, extensions: ['exe'], cut: false });
    expect(listed(many).entries).toHaveLength(1000);
  });

  test('any octets give the same however they are cut, and never an error', () => {
    const seed = rar([...members, { name: 'b.txt', encrypted: true }]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 7, max: seed.length - 1 }), fc.nat(255)), { maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        (changes, cut) => {
          const octets = Buffer.from(seed);
          for (const [at, octet] of changes) octets[at] = octet;
          expect(listed(octets, cut)).toEqual(listed(octets));
        },
      ),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe('tar', () => {
  const long = `${'d'.repeat(120)}/run.exe`;

  test('names are listed: short, behind a prefix, and long as GNU writes them', () => {
    const archive = tar([{ name: 'a.txt', body: 'x'.repeat(700) }, { name: 'b.txt', prefix: 'deep' }, { name: long }]);
    for (const cut of CUTS)
      expect(listed(archive, cut)).toMatchObject({
        ...{ format: 'tar', partial: false, entries: ['a.txt', 'deep/b.txt', long] },
      });
  });

  test('long names as pax writes them', () => {
    const record = `30 mtime=1763000000.000000000\n${long.length + 10} path=${long}\n`;
    const archive = Buffer.concat([
      tarMember('PaxHeader/x', record, 'x', ''),
      tar([{ name: 'short.txt' }, { name: 'c' }]),
    ]);
    expect(listed(archive)).toMatchObject({ partial: false, entries: [long, 'c'] });
  });

  test('a long name that is too long is told', () => {
    const archive = Buffer.concat([tarMember('././@LongLink', 'x'.repeat(9000), 'L', ''), tar([{ name: 'short' }])]);
    expect(listed(archive)).toMatchObject({ partial: true, entries: ['short'] });
  });
});

test('of a name that is longer than is kept the end is kept: it says what it is', () => {
  const [name] = listed(zip([{ name: `${'\u00fc'.repeat(1500)}.exe`, body: 'x' }])).entries;
  expect(name).toMatch(/^\u00fc+\.exe$/);
  expect(name!.length).toBe(200);
});

describe('names that unpackers read differently are all listed', () => {
  test.each([
    ['a NUL in a name of a zip', zip([{ name: 'a.js\0.txt' }]), ['a.js.txt', 'a.js']],
    ['another name in Unicode beside it', zip([{ name: 'a.txt', unicode: 'a.js' }]), ['a.txt', 'a.js']],
    // Flags 0b11_00_00_00: two characters of the first name, then `j` and `s` as they are.
    [
      'another name in Unicode behind it',
      rar4([{ name: 'a.txt', second: [0, 0xc0, 0, 0x6a, 0x73] }]),
      ['a.js', 'a.txt'],
    ],
    ['blanks without end behind it', zip([{ name: `a.js${' '.repeat(300)}` }]), ['a.js']],
  ])('%s', (_, octets, entries) => {
    expect(listed(octets).entries).toEqual(entries);
    expect(listed(octets).extensions).toContain('js');
  });

  test.each([
    ['as they are', [0, 0x00, 0x61, 0x2e, 0x6a, 0x73], 'a.js'],
    ['with a common upper half', [4, 0x40, 0x30, 0x2e], '\u0430.'],
    ['with two octets each', [0, 0x80, 0x30, 0x04], '\u0430'],
    ['as in the first name, shifted', [0, 0xc0, 0x80, 1], 'b/'],
  ])('a second name of RAR 4 is read: characters %s', (_, packed, name) => {
    expect(unicodeName(Buffer.from('a.txt'), Buffer.from(packed))?.startsWith(name)).toBe(true);
  });

  test('an ending is read however many names stand before it, and beyond ten thousand it is said that there may be others', () => {
    const many = (count: number) => [...Array.from({ length: count }, (_, n) => ({ name: `${n}` })), { name: 'a.js' }];
    for (const pack of [zip, tar]) {
      expect(listed(pack(many(1100)))).toMatchObject({ extensions: ['js'], cut: false, partial: true });
      expect(listed(pack(many(11_100)))).toMatchObject({ extensions: [], cut: true, partial: true });
    }
  });

  test('what archives within archives cost is bounded for a message: octets, also those that are not packed, and headers', () => {
    const unpacking = { left: 8 * 1024 * 1024, names: 30_000, room: Buffer.alloc(0) };
    const reader = new ArchiveReader(unpacking);
    reader.write(zip([{ name: 'a.zip', body: zip([{ name: 'b', body: 'x'.repeat(100_000) }]) }]));
    expect(reader.end()).toMatchObject({ cut: false });
    expect(unpacking.left).toBeLessThan(8 * 1024 * 1024 - 100_000);
    expect(unpacking.names).toBeLessThan(30_000 - 3);
    const few = new ArchiveReader({ left: 0, names: 10, room: Buffer.alloc(0) });
    few.write(zip(Array.from({ length: 20 }, (_, n) => ({ name: `${n}` }))));
    expect(few.end()).toMatchObject({ cut: true });
  });

  test('a zip whose directory begins before what is kept of it says so', () => {
    const wide = Array.from({ length: 3000 }, (_, n) => ({ name: `${'x'.repeat(400)}${n}`, only: 'central' as const }));
    expect(listed(zip([{ name: 'a.js' }, ...wide]))).toMatchObject({ cut: true });
  });

  test('what packs one file without its name is unpacked to what its own name says', () => {
    const reader = new ArchiveReader({ left: 0, names: 100_000, room: Buffer.alloc(0) });
    reader.write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]));
    expect(reader.end('a.js.gz')).toMatchObject({ format: 'gzip', extensions: ['js'] });
  });
});
