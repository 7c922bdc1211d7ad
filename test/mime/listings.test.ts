/** Listings of RAR and tar, whose names stand in headers between what is packed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveReader } from '../../src/mime/archive.ts';
import { rar4, rar5, tar, tarMember, zip } from '../support/archives.ts';

function listed(octets: Uint8Array, cut = octets.length + 1) {
  const reader = new ArchiveReader({ left: 0, room: Buffer.alloc(0) });
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

  test('a thousand names are enough', () => {
    const many = rar(Array.from({ length: 1001 }, (_unused, n) => ({ name: `${n}` })));
    expect(listed(many)).toMatchObject({ partial: true });
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
