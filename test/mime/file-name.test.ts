import { expect, test } from 'vitest';
import { withoutComments } from '../../src/mime/comments.ts';
import { extensionOf, fileNameOf, parameters } from '../../src/mime/file-name.ts';

test.each([
  ['a.exe', 'exe'],
  ['a.txt.EXE', 'exe'],
  ['a.exe. . ', 'exe'],
  ['a.exe.\u00a0', 'exe'],
  ['name', ''],
  ['.htaccess', 'htaccess'],
  ['a.exe:x', 'exe'],
  ['a.exe::$DATA', 'exe'],
])('%j ends in %j, as whoever opens it reads it', (name, extension) => {
  expect(extensionOf(name)).toBe(extension);
});

test.each([
  ['RFC 2231 in pieces', "attachment; filename*0*=utf-8''r%C3%A9; filename*1=port.exe", 'réport.exe'],
  ['RFC 2231 before the plain form', "attachment; filename=a.txt; filename*=utf-8''b.txt", 'b.txt'],
  ['an encoded word, which is forbidden', 'attachment; filename="=?utf-8?Q?b=C3=BCcher.zip?="', 'bücher.zip'],
  ['a path', 'attachment; filename="C:\\\\Users\\\\x\\\\a.exe"', 'a.exe'],
  ['no closing quote', 'attachment; filename="a b.exe', 'a b.exe'],
  ['no quotes', 'attachment; filename=a b.exe; size=1', 'a b.exe'],
  ['RFC 2231 behind fifty parameters', `attachment; ${'x=y; '.repeat(55)}filename*0="a"; filename*1=".exe"`, 'a.exe'],
  ['RFC 2231 without the first piece', 'attachment; filename*1="a"; filename*2=".exe"', 'a.exe'],
  ['no semicolon before it', 'attachment filename="a.exe"', 'a.exe'],
  ['a comment behind it', `attachment; filename=a.exe(${'x'.repeat(300)})`, 'a.exe'],
  ['comments within one another before it', 'attachment; ((x)y)filename="a.exe"', 'a.exe'],
  ['a semicolon and a quote in a comment', 'attachment; (;x="a) ; filename="a.exe"', 'a.exe'],
  ['an encoded word in an unknown character set', 'attachment; filename="=?x-none?q?a=2Eexe?="', 'a.exe'],
  ['an encoded word whose octets are none of its set', 'attachment; filename="=?utf-8?q?=FF=2Eexe?="', 'ÿ.exe'],
  ['direction turned within', 'attachment; filename="a\u202etxt.exe"', 'atxt.exe'],
])('a file name by %s', (_, disposition, name) => {
  expect(fileNameOf(disposition, '').name).toBe(name);
});

test('names that end differently are told; one that stands alone is the only one', () => {
  expect([...fileNameOf('attachment; filename=a.txt', 'text/plain; name=a.exe').flaws]).toEqual([
    'contradictory-file-names',
  ]);
  expect([...fileNameOf('attachment; filename=a.txt', 'text/plain; name=b.txt').flaws]).toEqual([]);
  expect(fileNameOf('', 'text/plain; name=a.exe')).toMatchObject({ name: 'a.exe', extension: 'exe' });
});

test('a parameter that stands twice has both readings', () => {
  expect(parameters('multipart/mixed; boundary=a; boundary="b"').find(({ name }) => name === 'boundary')).toMatchObject(
    {
      value: 'a',
      readings: expect.arrayContaining(['b']),
    },
  );
});

test.each([
  ['a piece that stands twice', 'attachment; filename*0="a.txt"; filename*0="a.exe"'],
  ['a piece that is missing', 'attachment; filename*0="a"; filename*2=".exe"'],
  ['a comment that is never closed', 'attachment; filename=a.txt; filename=(a.exe'],
])('a name that readers take for different ones is told: %s', (_, disposition) => {
  expect([...fileNameOf(disposition, '').flaws]).toEqual(['contradictory-file-names']);
});

test.each([
  ['a (b (c) d) e', 'a   e'],
  ['"(a)" (b)', '"(a)"  '],
  ['"\\"(a)" (b', '"\\"(a)" (b'],
  ['(a\\)b)c', ' c'],
])('%j without its comments is %j', (written, bare) => {
  expect(withoutComments(written)).toBe(bare);
});
