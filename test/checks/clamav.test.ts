/** What clamav makes of several scans of one message: each part decoded, the worst result, and no verdict where one is missing. */
import { describe, expect, test } from 'vitest';
import { clamav } from '../../src/checks/clamav.ts';
import { decoded } from '../../src/checks/part-octets.ts';
import type { Inside, Part } from '../../src/mime/inside.ts';
import { Walk } from '../../src/mime/walk.ts';
import { ServiceError, type VirusScanner, type VirusVerdict } from '../../src/ports/services.ts';
import { runOn } from '../support/check-bench.ts';

const VIRUS = 'all-of-this-is-bad';
/** Finds its mark in what it is handed, and keeps it. */
function scanner(other: (text: string) => VirusVerdict | Error = () => ({ kind: 'clean' })) {
  const seen: string[] = [];
  const made: VirusScanner = {
    probe: async () => 'PONG',
    version: async () => 'ClamAV 1',
    scan: async ({ octets }) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of octets) chunks.push(Uint8Array.from(chunk));
      const text = Buffer.concat(chunks).toString('latin1');
      seen.push(text);
      if (text.includes(VIRUS)) return { kind: 'infected', signature: 'Bad\x1b[31m' };
      const verdict = other(text);
      if (verdict instanceof Error) throw verdict;
      return verdict;
    },
  };
  return { made, seen };
}

const part = (path: string, text: string, whole: string, more: Partial<Part> = {}): Part => ({
  ...{ path, type: 'application/octet-stream', detected: '', name: '', extension: '', disposition: 'attachment' },
  ...{ attachment: true, encoding: '7bit', reading: 'identity', size: 0, sha256: '', archive: null, macros: false },
  start: whole.indexOf(text),
  bodyStart: whole.indexOf(text),
  end: whole.indexOf(text) + text.length,
  ...more,
});
const inside = (parts: readonly Part[], more: Partial<Inside> = {}): Inside => ({
  ...{ parts, anomalies: [], regions: [], textsCut: false, texts: [], depth: 1, result: 'ok' },
  ...more,
});
const BASE64 = Buffer.from(`PK ${VIRUS}`)
  .toString('base64')
  .replace(/(.{10})/g, '$1\r\n');
const QUOTED = `=41${VIRUS.replace('-this', '=2Dth=\r\nis')}=zz`;
const MESSAGE = `Subject: x\r\n\r\n--x\r\n\r\nhello\r\n--x\r\n\r\n${BASE64}\r\n--x\r\n\r\n${QUOTED}\r\n--x--\r\n`;
const run = (tree: Inside | undefined, by: VirusScanner, written: object = {}) =>
  runOn(clamav, { message: Buffer.from(MESSAGE), services: { clamav: by }, written, ...(tree && { inside: tree }) });

/** A whole message, walked and then scanned. */
const scanned = async (text: string) => {
  const { made, seen } = scanner();
  const message = Buffer.from(text, 'latin1');
  const walk = new Walk();
  walk.write(message);
  const { facts } = await runOn(clamav, { message, services: { clamav: made }, written: {}, inside: walk.end() });
  return { facts, seen };
};

describe('parts', () => {
  test.each<[Part['reading'], string, string]>([
    ['base64', BASE64, `PK ${VIRUS}`],
    ['quoted-printable', QUOTED, `A${VIRUS}=zz`],
    ['identity', 'hello', 'hello'],
  ])('are scanned decoded: %s', async (reading, text, plain) => {
    const { made, seen } = scanner();
    const { facts } = await run(inside([part('1', text, MESSAGE, { reading })]), made);
    expect(seen).toHaveLength(2);
    expect(seen).toContain(plain);
    expect(facts).toMatchObject(
      plain.includes(VIRUS) ? { result: 'infected', part: '1' } : { result: 'clean', part: '' },
    );
  });

  test('all of them, in whatever order, also where one lies within another', async () => {
    const { made, seen } = scanner();
    const parts = [
      part('3', BASE64, MESSAGE, { type: 'application/zip' }),
      part('1', 'hello', MESSAGE),
      part('2', 'lo\r\n--x', MESSAGE, { type: 'message/rfc822' }),
      part('2.1', 'lo', MESSAGE),
    ];
    const { facts, evidence } = await run(inside(parts), made);
    expect(seen.slice().sort()).toEqual([BASE64, 'hello', 'lo', MESSAGE].sort());
    expect(facts).toMatchObject({ result: 'clean', version: 'ClamAV 1' });
    expect(evidence).toEqual({ files: 4 });
  });

  test('none where the policy wants none, or the letter is one plain text', async () => {
    for (const [tree, written] of [
      [inside([part('1', BASE64, MESSAGE, { reading: 'base64' })]), { parts: false }],
      [inside([part('1', 'hello', MESSAGE, { type: 'text/plain' })]), {}],
      [undefined, {}],
    ] as const) {
      const { made, seen } = scanner();
      await run(tree, made, written);
      expect(seen).toEqual([MESSAGE]);
    }
  });

  test('too many of them, or a tree that was not read to its end, is too large; what was found stays found', async () => {
    const many = Array.from({ length: 201 }, (_, n) => part(String(n + 1), 'hello', MESSAGE));
    const { made, seen } = scanner();
    expect((await run(inside(many), made)).facts).toMatchObject({ result: 'too-large' });
    expect(seen).toHaveLength(201);
    const tree = inside([part('1', BASE64, MESSAGE, { reading: 'base64' })], { result: 'too-deep' });
    expect((await run(tree, scanner().made)).facts).toMatchObject({
      result: 'infected',
      part: '1',
      signature: 'Bad\\x1b[31m',
    });
    expect((await run(inside([], { result: 'too-much' }), scanner().made)).facts).toMatchObject({
      result: 'too-large',
    });
  });
});

describe('a message that a part carries encoded', () => {
  const uuencoded = (text: string): string => {
    const three = (at: number): string => {
      const [a = 0, b = 0, c = 0] = Buffer.from(text.slice(at, at + 3), 'latin1');
      return String.fromCharCode(
        ...[a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63].map((n) => n + 32),
      );
    };
    let line = String.fromCharCode(32 + text.length);
    for (let at = 0; at < text.length; at += 3) line += three(at);
    return `begin 644 a.com\r\n${line}\r\n\`\r\nend\r\n`;
  };
  const carried = (body: string, times: number): string => {
    let text = `Subject: within\r\n\r\n${body}`;
    for (let n = 0; n < times; n++)
      text =
        `Subject: ${n}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x${n}\r\n\r\n--x${n}\r\n\r\nhello\r\n--x${n}\r\n` +
        `Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(text, 'latin1').toString('base64')}\r\n--x${n}--\r\n`;
    return text;
  };

  test('is scanned, and so is what is written into a text of it', async () => {
    const { facts, seen } = await scanned(carried(uuencoded(VIRUS), 1));
    expect(facts).toMatchObject({ result: 'infected', part: '2.1' });
    expect(seen.some((text) => text.startsWith('Subject: within'))).toBe(true);
  });

  test('one within the other, to a depth; beyond it not all was looked at', async () => {
    expect((await scanned(carried(uuencoded(VIRUS), 3))).facts).toMatchObject({ result: 'infected', part: '2.2.2.1' });
    expect((await scanned(carried(uuencoded(VIRUS), 4))).facts).toMatchObject({ result: 'too-large' });
    expect((await scanned(carried('hello', 3))).facts).toMatchObject({ result: 'clean' });
  });

  test('as a file that is named as a message, too', async () => {
    const within = `Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\nContent-Transfer-Encoding: base64\r\n\r\n${BASE64}\r\n--y--\r\n`;
    const { facts } = await scanned(
      `Content-Type: application/octet-stream; name=a.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(within).toString('base64')}\r\n`,
    );
    expect(facts).toMatchObject({ result: 'infected', part: '1.1' });
  });
});

describe('a text that is encoded', () => {
  const letter = (encoding: string, body: string): string =>
    `Subject: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
  const written = `begin-base64 644 a\r\n${BASE64}\r\n====\r\n`;
  const before = `hello\r\n=ybegin line=128 size=1 name=a\r\nhello\r\n`;

  test('is scanned decoded, though it is all there is', async () => {
    const { seen } = await scanned(letter('quoted-printable', QUOTED));
    expect(seen).toContain(`A${VIRUS}=zz\r\n`);
  });

  test.each([
    ['7bit', written],
    ['7bit', `${before}${written}`],
    ['base64', Buffer.from(written).toString('base64')],
    ['quoted-printable', `${before}${written}`.replaceAll('=', '=3D')],
  ])('is scanned for files written into it: %s %j', async (encoding, body) => {
    expect((await scanned(letter(encoding, body))).facts).toMatchObject({ result: 'infected', part: '1' });
  });
});

test.each<[VirusVerdict['kind'], VirusVerdict['kind'], string]>([
  ['encrypted', 'clean', 'encrypted'],
  ['clean', 'too-large', 'too-large'],
  ['too-large', 'encrypted', 'encrypted'],
])('the message %s, a part %s: %s', async (whole, one, result) => {
  const { made } = scanner((text) => ({ kind: text === MESSAGE ? whole : one }) as VirusVerdict);
  const { facts } = await run(inside([part('1', 'hello', MESSAGE)]), made);
  expect(facts).toMatchObject({ result });
});

test('a part without a verdict leaves none for the message, unless there is a virus elsewhere', async () => {
  const broken = (at: string) => (text: string) =>
    text === at ? new ServiceError('broken', 'gone') : ({ kind: 'clean' } as const);
  const hello = part('1', 'hello', MESSAGE);
  await expect(run(inside([hello]), scanner(broken('hello')).made)).rejects.toThrow('gone');
  await expect(run(inside([hello]), scanner(broken(MESSAGE)).made)).rejects.toThrow('gone');
  const virus = part('2', BASE64, MESSAGE, { reading: 'base64' });
  const { facts } = await run(inside([hello, virus]), scanner(broken(MESSAGE)).made);
  expect(facts).toMatchObject({ result: 'infected', part: '2' });
});

test('that it tells no version is on record, and no reason to have no verdict', async () => {
  const { made } = scanner();
  const silent = { ...made, version: () => Promise.reject(new ServiceError('refused', 'not today')) };
  const { facts, evidence } = await run(undefined, silent);
  expect(facts).toMatchObject({ result: 'clean', version: '' });
  expect(evidence).toMatchObject({ version: 'not today' });
});

test.each<[Part['reading'], string, string]>([
  ['base64', BASE64, `PK ${VIRUS}`],
  ['quoted-printable', QUOTED, `A${VIRUS}=zz`],
  ['base64', 'WA==\r\nNU8=', 'X5O'],
  ['quoted-printable', 'a= \t\r\nb=3D=\r\n=C3=A4=x', 'ab=\xc3\xa4=x'],
])('%s is decoded alike however it comes in pieces', async (reading, text, plain) => {
  for (const size of [1, 2, 3, 5, 1000]) {
    const pieces = async function* () {
      for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size), 'latin1');
    };
    let out = '';
    for await (const chunk of decoded({ reading }, pieces())) out += Buffer.from(chunk).toString('latin1');
    expect(out, `pieces of ${size}`).toBe(plain);
  }
});
