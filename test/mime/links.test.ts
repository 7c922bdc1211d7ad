/** Where links lead: read as a browser, a reader of mail or a person would, in time that grows with the text and no faster. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLinks } from '../../src/mime/links.ts';
import { isLookAlike } from '../../src/mime/look-alike.ts';
import { Meter } from '../../src/mime/meter.ts';
import { visibleText } from '../../src/mime/visible-text.ts';

const find = (text: string, html: boolean) => findLinks([{ part: '1', html, text }]);
const hosts = (text: string, html = false) => find(text, html).hosts.map(({ name }) => name);

describe('in plain text', () => {
  test.each<[string, string, string[]]>([
    ['a plain link', 'see http://www.example.com/x?y', ['www.example.com']],
    ['a port and a user', 'https://good.example.org@evil.example.com:8080/', ['evil.example.com']],
    ['a user with a password', 'http://www.bank.com:80@evil.example', ['evil.example']],
    ['no beginning', 'go to www.example.com, or example.net/path.', ['www.example.com', 'example.net']],
    [
      'made harmless',
      'hxxps://evil[.]example[.]com and bad(dot)example(.)net',
      ['evil.example.com', 'bad.example.net'],
    ],
    ['made harmless with blanks', 'visit example [dot] com today', ['example.com']],
    ['a colon made harmless', 'hXXp[:]//x.example h**p://y.example', ['x.example', 'y.example']],
    ['full width and ideographic dots', 'http://ｅｘａｍｐｌｅ。com', ['example.com']],
    ['invisible characters', 'http://exa\u200bm\u00adple.com', ['example.com']],
    ['letters beyond ASCII', 'http://bücher.example.com', ['xn--bcher-kva.example.com']],
    ['a number for an address', 'http://3221226219/', ['192.0.2.235']],
    ['octal and hexadecimal', 'http://0300.0.0x2.353/ http://0xC00002EB', ['192.0.2.235']],
    ['fewer numbers than four', 'http://192.0.747/', ['192.0.2.235']],
    ['IPv6', 'http://[2001:DB8::1]:80/ http://[::ffff:192.0.2.1]/', ['2001:db8::1', '192.0.2.1']],
    ['percent', 'http://ex%61mple.com/', ['example.com']],
    ['backslashes', 'http:\\\\example.com\\x', ['example.com']],
    ['two in one word', 'http://a.example,http://b.example', ['a.example', 'b.example']],
    ['brackets and full stops around', '(www.example.com). <http://example.net/>.', ['example.net', 'www.example.com']],
    ['a name amid writing without blanks', '请看example.com谢谢', ['example.com']],
    ['a mailto address', 'mailto:x@example.com', ['example.com']],
    ['a path that looks like a host', 'example.com/other.net', ['example.com']],
    ['a name of one label', 'http://intranet/', ['intranet']],
    ['a mail address', 'write to a@example.com', []],
    ['files, numbers and abbreviations', 'see report.docx, data.zip and 3.14, e.g. this', []],
    ['a forgotten blank', 'tell me.It was fine', []],
    ['a number too large', 'http://4294967296/ http://256.1.1.1/', []],
    ['what is no UTF-8', 'http://%ff%fe.example/', []],
  ])('%s', (_, text, found) => {
    expect(hosts(text)).toEqual(found);
  });
});

describe('in HTML', () => {
  test.each<[string, string, string[]]>([
    ['quoted, with references', '<a href="http&#58;//ex&#x61;mple&period;com/">x</a>', ['example.com']],
    ['references without semicolons', '<a href="http&#58//ex&#0000097mple.com/">x</a>', ['example.com']],
    ['unquoted', '<a href=http://example.com/x>x</a>', ['example.com']],
    ['any case, blanks around', "<A HREF = 'http://example.com'>x</A>", ['example.com']],
    ['a tag over lines', '<a\n class="x"\n href="http://example.com"\n>x</a>', ['example.com']],
    ['without a scheme', "<img src='//example.com/p'>", ['example.com']],
    ['backslashes and breaks within', '<a href="ht\ntp:\\\\exam\tple.com">x</a>', ['example.com']],
    [
      'one slash, none, and many',
      '<a href="http:/a.example"><a href="https:b.example"><a href="ftp:////c.example">',
      ['a.example', 'b.example', 'c.example'],
    ],
    ['a control character before', '<a href=" \x01http://example.com">x</a>', ['example.com']],
    [
      'a form',
      '<form action="https://example.com"><button formaction="//example.net">',
      ['example.com', 'example.net'],
    ],
    ['a base', '<base href="http://example.com/"><a href="x">y</a>', ['example.com']],
    ['a refresh', '<meta http-equiv=refresh content="0; url=http://example.com/">', ['example.com']],
    [
      'a style and a set of pictures',
      '<p style="background:url(http://a.example/x)"><img srcset="http://b.example/1 1x">',
      ['a.example', 'b.example'],
    ],
    [
      'a script and a style sheet',
      '<script>u="http://a.example/";x.com</script><style>@import url(//x) url(http://b.example)</style>',
      ['a.example', 'b.example'],
    ],
    ['a condition for Outlook', '<!--[if mso]><a href="http://example.com">x</a><![endif]-->', ['example.com']],
    ['a comment', '<!-- <a href="http://example.com">x</a> -->y', []],
    ['a comment that never ends', 'x<!-- http://example.com ', ['example.com']],
    ['a tag that never ends', '<a href="http://example.com/', ['example.com']],
    ['text parted by tags', '<p>visit ex<b>amp</b>le.com now</p>', ['example.com']],
    ['texts of two lines', '<td>see example</td><td>.com</td>', []],
    [
      'mail addresses',
      '<a href="mailto:a@example.com,b@example.net?cc=c@example.org">x</a>',
      ['example.com', 'example.net'],
    ],
    ['a file and a page', '<a href="index.html"><img src="cid:a@example.com"><a href="x.php/y">', []],
    ['a share', '<img src="\\\\example.com\\share">', ['example.com']],
    ['another scheme around', '<a href="ms-word:ofe|u|http://example.com/x.docm">x</a>', ['example.com']],
  ])('%s', (_, text, found) => {
    expect(hosts(text, true)).toEqual(found);
  });

  test.each<[string, string, string[]]>([
    ['another host', '<a href="http://evil.example/">www.example.com</a>', ['evil.example']],
    [
      'another host among words',
      '<a href="http://evil.example/">log in at <b>https://bank.com/x</b></a>',
      ['evil.example'],
    ],
    ['the same domain', '<a href="http://www.example.org">example.org</a>', []],
    ['no host', '<a href="http://evil.example/">Read more.</a> example.com', []],
    [
      'a link that is not closed',
      '<a href="http://evil.example/">bank.com<a href="http://bank.com">',
      ['evil.example'],
    ],
    ['an address for an address', '<a href="http://192.0.2.1/">http://192.0.2.1/x</a>', []],
  ])('a link whose text shows %s', (_, text, found) => {
    expect(find(text, true).differing).toEqual(found);
  });

  test('links that hold something themselves are counted, and what they lead to is read', () => {
    const text =
      '<a href="java\nscript:location=\'http://a.example\'"><iframe src="data:text/html,x"><img src="data:image/png;base64,x">';
    expect(find(text, true)).toMatchObject({ scripts: 2, hosts: [{ name: 'a.example' }] });
  });
});

test.each([
  ['пример with a Latin letter', 'xn--80ak6aa92e.com', true],
  ['Latin and Cyrillic in one label', 'xn--pypal-4ve.com', true],
  ['German', 'xn--mnchen-3ya.de', false],
  ['Japanese', 'xn--eckwd4c7c.xn--zckzah', false],
  ['Russian in its own domain', 'xn--e1afmkfd.xn--p1ai', false],
  ['Russian words', 'xn--b1agh1afp.com', false],
  ['ASCII', 'paypa1.com', false],
])('%s: look-alike or not', (_, name, expected) => {
  expect(isLookAlike(name)).toBe(expected);
});

test('what a person reads of HTML: tags part no word, lines are lines, scripts and comments are not there', () => {
  expect(visibleText('<style>x</style>a<b>b</b><!-- no -->c&amp;d<br>e\n  f&shy;g<script>h</script>')).toBe(
    'abc&d\ne fg',
  );
});

const PIECES = [
  ...[
    '<a href=',
    '<a href="',
    "'",
    '"',
    'http://',
    '//',
    '.',
    'com',
    '&#',
    '&amp',
    '[.]',
    ' [dot] ',
    '<',
    '>',
    '\\',
    '@',
  ],
  ...[
    'xn--',
    '\u202e',
    ' ',
    '<!--',
    '-->',
    '<!--[if',
    '<script>',
    '</script',
    'mailto:',
    '%',
    'é',
    '\ud800',
    '\u200b',
    '=',
    '/',
  ],
];

test('no text makes it throw, and every host is a name that may be shown', () => {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 50 }), fc.boolean(), (pieces, html) => {
      for (const { name } of find(pieces.join(''), html).hosts) expect(name).toMatch(/^[a-z0-9_.:-]{1,253}$/);
    }),
    { numRuns: 1000, seed: 4 },
  );
});

/** Cutting into tags, decoding, undoing, cutting into words, reading hosts; most of it is what may stand behind a `mailto:`. */
const STEPS_EACH = 50;

test.each([...PIECES, '<a x=1 ', '<!', '<a>www.a.com ', 'http://a@', 'mailto:a', '&#0', '<style>', '[ . ', 'a.b,'])(
  'a text of nothing but %j costs no more than its length',
  (piece) => {
    for (const html of [true, false]) {
      const text = piece.repeat(Math.ceil(100_000 / piece.length));
      const meter = new Meter();
      findLinks([{ part: '1', html, text }], meter);
      expect(meter.steps).toBeLessThan(STEPS_EACH * text.length);
    }
  },
);

test('any text costs no more than its length', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 5 }), fc.boolean(), (pieces, html) => {
      const text = pieces.join('').repeat(300);
      const meter = new Meter();
      findLinks([{ part: '1', html, text }], meter);
      expect(meter.steps).toBeLessThan(STEPS_EACH * text.length + 1000);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test('many names of one kind hide no link, and that there were more is told', () => {
  const junk = Array.from({ length: 3000 }, (_, n) => `a${n}.com`).join(' ');
  const found = find(`${junk} http://evil.example/`, false);
  expect(found.hosts[0]).toMatchObject({ name: 'evil.example' });
  expect(found.partial).toBe(true);
});

test.each([
  ['a letter that becomes two', `${'\u0130'.repeat(20)}<style>x</style>seen`, `${'\u0130'.repeat(20)}seen`],
  ['a blank in the closing tag', '<style>x</style >seen', 'seen'],
  ['a style that never ends', 'a<style>x', 'a'],
  ['a title, which no reader of mail shows', '<title>x</title>seen', '\n\nseen'],
])('what is seen does not end at %s', (_, html, text) => {
  expect(visibleText(html)).toBe(text);
});
