import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Walk } from '../../src/mime/walk.ts';

const walked = (text: string | Buffer, cut: readonly number[] = []) => {
  const octets = typeof text === 'string' ? Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'latin1') : text;
  const walk = new Walk();
  let at = 0;
  for (const length of cut) {
    walk.write(octets.subarray(at, at + length));
    at += length;
  }
  walk.write(octets.subarray(at));
  return walk.end();
};
const MIXED = `From: a@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

note to old readers
--x
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>gr=C3=BCn</p>
--x
Content-Type: message/rfc822

From: b@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=y

--y
Content-Type: application/zip; name="a.zip"
Content-Transfer-Encoding: base64

UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==
--y--
--x
Content-Disposition: attachment; filename*0*=utf-8''r%C3%A9; filename*1=port.exe
Content-Type: image/png

MZ
--x--
`;

describe('what is inside', () => {
  test('parts are numbered as IMAP numbers them, each with its place in the content', () => {
    const { parts, texts, depth, result } = walked(MIXED);
    expect(parts.map(({ path, type }) => [path, type])).toEqual([
      ['1', 'text/html'],
      ['2', 'message/rfc822'],
      ['2.1', 'application/zip'],
      ['3', 'image/png'],
    ]);
    const content = Buffer.from(MIXED.replace(/\n/g, '\r\n'));
    const [html, , , file] = parts;
    expect(content.toString('latin1', html!.bodyStart, html!.end)).toBe('<p>gr=C3=BCn</p>');
    expect(content.toString('latin1', file!.bodyStart, file!.end)).toBe('MZ');
    expect(texts).toEqual([{ part: '1', html: true, text: '<p>grün</p>' }]);
    expect({ depth, result }).toEqual({ depth: 3, result: 'ok' });
    expect(file).toMatchObject({ name: 'réport.exe', extension: 'exe', attachment: true });
  });

  test.each([
    ['two subjects', 'Subject: a\nSubject: b\n\n', 'duplicate-header'],
    ['two authors', 'From: a@example.org, b@example.org\n\n', 'several-authors'],
    ['two types', 'Content-Type: text/plain\nContent-Type: text/html\n\n', 'duplicate-content-type'],
    ['two encodings', 'Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n', 'duplicate-encoding'],
    [
      'two boundaries',
      'Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\nx\n--a--\n',
      'contradictory-boundaries',
    ],
    [
      'two names',
      'Content-Disposition: attachment; filename=a.txt\nContent-Type: text/plain; name=a.exe\n\n',
      'contradictory-file-names',
    ],
    ['no boundary', 'Content-Type: multipart/mixed\n\n--a\n\nx\n', 'missing-boundary'],
    [
      'a part after the end',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--a\n\ny\n',
      'part-after-end',
    ],
    [
      'a part after the end that has no end itself',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--a\n\ny\n',
      'unclosed-multipart',
    ],
    ['words after the end', 'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\nmore\n', 'epilogue-content'],
    ['no end', 'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n', 'unclosed-multipart'],
    ['almost a delimiter', 'Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--ab\n--a--\n', 'near-boundary'],
    [
      'the same boundary again',
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n',
      'reused-boundary',
    ],
    ['uuencode', '\nbegin 644 a.exe\n#0V%T\n`\nend\n', 'uuencode'],
    ['yEnc', '\n=ybegin line=128 size=3 name=a\nabc\n=yend size=3\n', 'yenc'],
    ['a NUL', '\na\0b\n', 'nul'],
    ['a long line', `\n${'x'.repeat(999)}\n`, 'long-line'],
    ['base64 with more', 'Content-Transfer-Encoding: base64\n\naGVsbG8=\naGVsbG8=\n', 'data-after-padding'],
    ['base64 with others', 'Content-Transfer-Encoding: base64\n\naGVs*bG8=\n', 'broken-base64'],
    ['quoted-printable', 'Content-Transfer-Encoding: quoted-printable\n\na=zz\n', 'broken-quoted-printable'],
    ['an encoding of nobody', 'Content-Transfer-Encoding: rot13\n\na\n', 'unknown-encoding'],
    [
      'an encoded multipart',
      'Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: base64\n\n--a\n\nx\n--a--\n',
      'encoded-multipart',
    ],
    [
      'an encoded message',
      'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogYQ0KDQpiDQo=\n',
      'encoded-message',
    ],
    ['a blank in a name', 'Subject : a\n\n', 'space-before-colon'],
    ['a stray line', 'Subject: a\nno field\n\n', 'stray-header-line'],
    ['a blank line that is none', 'Subject: a\n \nX: b\n\n', 'blank-continuation'],
    ['an octet above 127', 'Subject: \xe4\n\n', '8bit-header'],
    [
      'a program as a picture',
      `Content-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\nMZ\0\0${'\0'.repeat(60)}\n`,
      'disguised-executable',
    ],
    ['UTF-7', 'Content-Type: text/html; charset=utf-7\n\n+ADw-\n', 'unknown-charset'],
    ['a file in HTML', 'Content-Type: text/html\n\n<a href="data:application/zip;base64,UEs=">\n', 'html-data-file'],
  ])('%s: named', (_, text, name) => {
    expect(walked(text).anomalies.map((one) => one.name)).toContain(name);
  });

  test('plain mail has nothing odd about it', () => {
    const { anomalies, regions } = walked(MIXED.replace('image/png', 'application/octet-stream'));
    expect(anomalies).toEqual([]);
    // The note before the first part is looked into all the same.
    expect(regions.length).toBe(1);
  });

  test('however it is cut, it is the same', () => {
    const whole = walked(MIXED);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 40 }), (cut) => {
        expect(walked(MIXED, cut)).toEqual(whole);
      }),
      { numRuns: 300, seed: 4 },
    );
  });

  test('no octets make it throw, and what is cut octet by octet reads the same', () => {
    const pieces = [
      '--x',
      '--x--',
      '\r\n',
      '\n',
      'Content-Type: multipart/mixed; boundary=x',
      'begin 644 a',
      'end',
      '=',
      'PK\x03\x04',
      ' ',
      '-',
      'Content-Type: message/rfc822',
      'Content-Transfer-Encoding: base64',
      'aGVsbG8=',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })), { maxLength: 60 }),
        (some) => {
          const octets = Buffer.from(some.join(''), 'latin1');
          expect(walked(octets, new Array(octets.length).fill(1))).toEqual(walked(octets));
        },
      ),
      { numRuns: 2000, seed: 4 },
    );
  });

  test('bounds: too many parts, too deep', () => {
    const many = `Content-Type: multipart/mixed; boundary=a\n\n${'--a\n\nx\n'.repeat(2000)}`;
    expect(walked(many)).toMatchObject({ result: 'too-many-parts' });
    const deep = Array.from(
      { length: 50 },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`,
    ).join('');
    expect(walked(deep)).toMatchObject({ result: 'too-deep' });
  });
});

const SUITES = process.env.POSTERN_SUITES;
describe.skipIf(SUITES === undefined)('mail of others', () => {
  const folder = join(SUITES ?? '', 'mime');
  const files =
    SUITES === undefined
      ? []
      : readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((one) => one.isFile());
  test.each(files.map((one) => join(one.parentPath, one.name)))('%s is read, and the same in pieces', (file) => {
    const octets = readFileSync(file);
    const pieces = octets.length > 200_000 ? [] : new Array(Math.floor(octets.length / 37)).fill(37);
    expect(walked(octets, pieces)).toEqual(walked(octets));
  });
});

test('what lies in an encoded message has the place of the part that carries it, and no regions of its own', () => {
  const within = 'Subject: x\r\n\r\nbegin 644 a.exe\r\n#0V%T\r\n`\r\nend\r\n';
  const text = `Content-Type: multipart/mixed; boundary=x\n\n--x\n\nx\n--x\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n${Buffer.from(within).toString('base64')}\n--x--\n`;
  const { parts, regions, anomalies } = walked(text);
  const [, carrier, inner] = [...parts].sort((a, b) => (a.path < b.path ? -1 : 1));
  expect([carrier!.path, carrier!.type, inner!.path, inner!.type]).toEqual([
    '2',
    'message/rfc822',
    '2.1',
    'text/plain',
  ]);
  const { start, bodyStart, end } = carrier!;
  expect(inner).toMatchObject({ start, bodyStart, end });
  expect(regions).toEqual([]);
  expect(anomalies).toContainEqual({ name: 'uuencode', part: '2.1' });
});
