import { expect, test } from 'vitest';
import { extensionOf, fileNameOf, parameters } from '../../src/mime/file-name.ts';

test.each([
  ['a.exe', 'exe'],
  ['a.txt.EXE', 'exe'],
  ['a.exe. . ', 'exe'],
  ['a.exe.\u00a0', 'exe'],
  ['name', ''],
  ['.htaccess', 'htaccess'],
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
