import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linksIn } from '../../src/mime/links.ts';
import { visibleText } from '../../src/mime/visible.ts';

const hosts = (text: string, html = false) => linksIn([{ part: '1', html, text }]).links.map(({ host }) => host);

test.each([
  ['a plain link', 'see http://www.example.com/x?y', ['www.example.com']],
  ['with a port and a user', 'https://good.example.org@evil.example.com:8080/', ['evil.example.com']],
  ['without a beginning', 'go to www.example.com, or example.net/path.', ['www.example.com', 'example.net']],
  ['defanged', 'hxxps://evil[.]example[.]com and bad(dot)example(.)net', ['evil.example.com', 'bad.example.net']],
  ['full width and ideographic', 'http://ｅｘａｍｐｌｅ。com', ['example.com']],
  ['invisible within', 'http://exa\u200bmple.com', ['example.com']],
  ['beyond ASCII', 'http://bücher.example.com', ['xn--bcher-kva.example.com']],
  ['a number as an address', 'http://3221226219/', ['192.0.2.235']],
  ['a mail address is none', 'write to a@example.com', []],
  ['a file is none', 'see report.docx and 3.14', []],
])('text: %s', (_, text, found) => {
  expect(hosts(text)).toEqual(found);
});

test.each([
  ['quoted, with references', '<a href="http&#58;//ex&#97;mple.com/">x</a>', ['example.com']],
  ['unquoted', '<a href=http://example.com/x>x</a>', ['example.com']],
  ['without a scheme', "<img src='//example.com/p'>", ['example.com']],
  ['backslashes and breaks within', '<a href="ht\ntp:\\\\exam\tple.com">x</a>', ['example.com']],
  ['percent', '<a href="http://ex%61mple.com">x</a>', ['example.com']],
  ['a form', '<form action="https://example.com">', ['example.com']],
  ['no link', '<a href="javascript:x()">x</a><a href="mailto:a@example.com">y</a>', []],
])('HTML: %s', (_, text, found) => {
  expect(hosts(text, true)).toEqual(found);
});

test('a link whose text shows another domain, and look-alike letters, are marked', () => {
  const html =
    '<a href="http://evil.example.net/">www.example.com</a> <a href="http://www.example.org">example.org</a>';
  expect(linksIn([{ part: '1', html: true, text: html }]).textDiffers).toEqual(['evil.example.net']);
  const { lookAlike } = linksIn([{ part: '1', html: false, text: 'http://pаypal.com http://bücher.de' }]);
  expect(lookAlike).toHaveLength(1);
});

test('tags within a word do not part it, styles and comments are not seen', () => {
  expect(visibleText('<style>x</style>a<b>b</b><!-- no -->c&amp;d<br>e')).toBe('abc&d\ne');
});

test('no text makes it throw', () => {
  const piece = fc.constantFrom(
    '<a href=',
    '"',
    'http://',
    '.',
    'com',
    '&#',
    '[.]',
    '<',
    '>',
    '\\',
    '@',
    'xn--',
    '\u202e',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 50 }), (pieces) => {
      linksIn([{ part: '1', html: true, text: pieces.join('') }]);
    }),
    { numRuns: 2000, seed: 4 },
  );
});
