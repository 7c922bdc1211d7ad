import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { spliced } from '../../src/gateway/splice.ts';
import { type Stripped, strip } from '../../src/gateway/strip.ts';
import { parseHeaderSection } from '../../src/mail/header.ts';
import type { Inside } from '../../src/mime/inside.ts';
import { Walk } from '../../src/mime/walk.ts';
import type { Strip } from '../../src/policy/disposition.ts';

const WORDS = { hostname: 'mx.test', id: '3f9k2m7q0d5xa', contact: 'postmaster@relay.test' };
const ALL: Strip = { kind: 'stripAttachments', which: { kind: 'all' }, note: '', keep: true, by: 'rule:all' };
const only = (...extensions: readonly string[]): Strip => ({ ...ALL, which: { kind: 'extensions', extensions } });
const lines = (...text: readonly string[]): string => text.join('\r\n');
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

const file = (name: string, content = 'content'): string =>
  lines(
    `Content-Type: application/octet-stream; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    base64(content),
  );
const mixed = (boundary: string, ...parts: readonly string[]): string =>
  lines(
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary=${boundary}`,
    '',
    ...parts.flatMap((part) => [`--${boundary}`, part]),
    `--${boundary}--`,
    '',
  );
const LETTER = lines('Content-Type: text/plain', '', 'Dear Bob,');

/** An archive of one empty file: local header, central directory, its end. */
function zipOf(name: string): string {
  const local = Buffer.alloc(30);
  local.write('PK\x03\x04', 'latin1');
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.write('PK\x01\x02', 'latin1');
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length, 16);
  return Buffer.concat([local, Buffer.from(name), central, Buffer.from(name), end]).toString('latin1');
}

function inside(text: string): Inside {
  const walk = new Walk();
  walk.write(Buffer.from(text, 'latin1'));
  return walk.end();
}

function stripping(text: string, which: readonly Strip[], found: Inside | 'unknown' = inside(text)): Stripped {
  const { fields, strays } = parseHeaderSection(Buffer.from(text, 'latin1'));
  const named = fields.map((field) => ({ ...field, name: field.name.toLowerCase() }));
  const whole = { inside: found === 'unknown' ? undefined : found, size: text.length, fields: named, strays };
  return strip(which, whole, WORDS, (list, extension) => list === 'blocked' && extension === 'exe');
}

async function left(text: string, ...which: readonly Strip[]) {
  const stripped = stripping(text, which);
  if (stripped.kind !== 'stripped') throw new Error(stripped.why);
  const top = stripped.edits.flatMap((edit) => (edit.kind === 'addField' ? [`${edit.field}\r\n`] : [])).reverse();
  const read = async function* () {
    yield Buffer.from(text, 'latin1');
  };
  let message = '';
  for await (const piece of spliced(Buffer.from(top.join('')), stripped.edits, read()))
    message += Buffer.from(piece).toString('latin1');
  return { message, removed: stripped.removed.map(({ part }) => part), parsed: await simpleParser(message) };
}

const CARRIED = base64(mixed('y', LETTER, file('a.exe')));

describe('which parts go', () => {
  const message = mixed('x', LETTER, file('a.exe'), file('b.pdf'), file('C.EXE'), file('note.txt'));
  test.each<[string, string, readonly Strip[], readonly string[]]>([
    ['all attachments, and the letter stays', message, [ALL], ['2', '3', '4', '5']],
    ['those of an extension, whatever its letters', message, [only('exe')], ['2', '4']],
    ['those of a list', message, [{ ...ALL, which: { kind: 'list', list: 'blocked' } }], ['2', '4']],
    ['what any of several rules wants', message, [only('exe'), only('pdf')], ['2', '3', '4']],
    ['none where none fits', message, [only('js')], []],
    ['one whose name goes on after its extension', mixed('x', LETTER, file('a.exe. ')), [only('exe')], ['2']],
    [
      'an archive that says it holds one',
      mixed('x', LETTER, file('a.zip', zipOf('in/b.exe')), file('c.zip', zipOf('d.txt'))),
      [only('exe')],
      ['2'],
    ],
    [
      'an archive that says not what it holds',
      mixed('x', LETTER, file('a.bin', 'Rar!\x1a\x07\x01\0')),
      [only('exe')],
      ['2'],
    ],
    [
      'one within a forwarded message, which stays',
      mixed('x', LETTER, lines('Content-Type: message/rfc822', '', mixed('y', LETTER, file('a.exe')))),
      [ALL],
      ['2.2'],
    ],
    [
      'the whole of a forwarded message that is encoded, as nothing in it can be taken out alone',
      mixed(
        'x',
        LETTER,
        lines(
          'Content-Type: message/rfc822',
          'Content-Transfer-Encoding: base64',
          '',
          CARRIED.replace(/(.{76})/g, '$1\r\n'),
        ),
      ),
      [only('exe')],
      ['2'],
    ],
  ])('%s', async (_what, text, which, parts) => {
    const { removed, message: after, parsed } = await left(text, ...which);
    expect(removed).toEqual(parts);
    for (const rest of CARRIED.match(/.{1,76}/g)!) if (text.includes(rest)) expect(after).not.toContain(rest);
    if (parts.length === 0) expect(after).toBe(text);
    expect(parsed.text).toContain('Dear Bob,');
    expect(after.split('An attachment was removed here').length - 1).toBe(parts.length);
    const again = stripping(after, which);
    expect(again).toMatchObject({ kind: 'stripped', removed: [] });
  });
});

test('a message that is one attachment keeps its fields, and its body is the note', async () => {
  const { message, parsed } = await left(lines('From: a@b', 'Subject: x', file('a.exe'), ''), ALL);
  expect(message).toMatch(/\r\nFrom: a@b\r\nSubject: x\r\n\r\n/);
  expect(message.match(/content-type/gi)).toHaveLength(1);
  expect(message).toContain('MIME-Version: 1.0\r\n');
  expect(message.endsWith('\r\n')).toBe(true);
  expect(parsed.attachments).toEqual([]);
  expect(parsed.text).toMatch(/Name: +a\.exe/);
});

test('the note says what, why and whom to ask, in ASCII and in lines that any server carries', async () => {
  const name = `evil\u202E${'ü'.repeat(400)}`;
  const text = mixed('x', LETTER, file(`=?utf-8?B?${Buffer.from(name).toString('base64')}?=`));
  const { message, parsed } = await left(text, { ...ALL, note: 'Fragen: Größe 12' });
  expect(parsed.text).toContain('Fragen: Größe 12');
  expect(parsed.text).toMatch(/SHA-256: +ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73/);
  expect(parsed.text).toContain('Rule:     all');
  expect(parsed.text).toContain('write to postmaster@relay.test');
  expect(parsed.text).not.toContain('\u202E');
  for (const line of message.split('\r\n')) expect(line).toMatch(/^[\t -~]{0,998}$/);
});

test('not kept, the note does not say it was', async () => {
  const { parsed } = await left(mixed('x', LETTER, file('a.exe')), { ...ALL, keep: false });
  expect(parsed.text).toContain('It was not kept.');
});

test.each<[string, string, (found: Inside) => Inside | 'unknown']>([
  ['what is inside is not known', LETTER, () => 'unknown'],
  ['not all of it was read', LETTER, (found) => ({ ...found, result: 'too-many-parts' })],
  ['a file is written into the text', lines(LETTER, 'begin 644 a.exe', '#0V%T', '`', 'end', ''), (found) => found],
  [
    'a file is written into a text that is encoded',
    lines('Content-Transfer-Encoding: base64', '', base64(lines('begin 644 a.exe', '#0V%T', '`', 'end', ''))),
    (found) => found,
  ],
  [
    'some reader sees a part that we do not',
    mixed('x', LETTER, file('a.exe')).replace(',\r\n--x', `,\r\n--x${' '.repeat(1200)}`),
    (found) => found,
  ],
  ['there are more than anybody reads', mixed('x', ...Array.from({ length: 101 }, () => file('a'))), (found) => found],
])('nothing is said to be removed where %s', (_what, text, change) => {
  expect(stripping(text, [ALL], change(inside(text)))).toMatchObject({ kind: 'cannot', by: 'rule:all' });
});
