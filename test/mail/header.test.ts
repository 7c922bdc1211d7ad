/** The header section, encoded words, address lists and folding. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddressList } from '../../src/mail/address-list.ts';
import { decodeWords } from '../../src/mail/encoded-word.ts';
import { foldField, parseHeaderSection } from '../../src/mail/header.ts';

const parse = (text: string) => parseHeaderSection(Buffer.from(text, 'utf8'));
const pairs = (text: string) => parse(text).fields.map(({ name, value }) => [name, value]);

describe('the header section', () => {
  test('fields are unfolded, trimmed and know their octets', () => {
    const text = 'From:  a@b \r\nSubject: one\r\n two\r\n\t three\r\nX:\r\n\r\nbody: no\r\n';
    expect(pairs(text)).toEqual([
      ['From', 'a@b'],
      ['Subject', 'one two\t three'],
      ['X', ''],
    ]);
    const { fields, length } = parse(text);
    expect(text.slice(fields[1]!.start, fields[1]!.end)).toBe('Subject: one\r\n two\r\n\t three\r\n');
    expect(text.slice(length)).toBe('body: no\r\n');
  });

  test.each([
    ['a message without a header', '\r\nbody', [], []],
    ['a message that ends in its header', 'A: b', [['A', 'b']], []],
    ['nothing', '', [], []],
    ['white space before the colon', 'A \t: b\r\n\r\n', [['A', 'b']], []],
    [
      'a blank continuation',
      'A: b\r\n \r\nC: d\r\n\r\n',
      [
        ['A', 'b'],
        ['C', 'd'],
      ],
      [],
    ],
    ['an mbox line', 'From a Sun\r\nA: b\r\n\r\n', [['A', 'b']], ['line 1 is neither a field nor a continuation']],
    ['a continuation of nothing', ' x\r\nA: b\r\n\r\n', [['A', 'b']], ['line 1 is neither a field nor a continuation']],
    [
      'a flaw behind a fold',
      'A: b\r\n c\r\nnope\r\n\r\n',
      [['A', 'b c']],
      ['line 3 is neither a field nor a continuation'],
    ],
    ['an empty name', ': b\r\n\r\n', [], ['line 1 is neither a field nor a continuation']],
    ['a bare CR', 'A: b\rC: d\r\n\r\n', [['A', 'b\rC: d']], ['A holds a bare CR or LF']],
    [
      'a bare LF',
      'A: b\nC: d\n\nbody',
      [
        ['A', 'b'],
        ['C', 'd'],
      ],
      [],
    ],
  ])('%s', (_name, text, fields, flaws) => {
    expect(pairs(text)).toEqual(fields);
    expect(parse(text).flaws).toEqual(flaws);
  });

  test('octets above 127 are UTF-8 where they can be, else Latin-1', () => {
    expect(pairs('A: grüße\r\n\r\n')).toEqual([['A', 'grüße']]);
    expect(parseHeaderSection(Buffer.from('A: gr\xfc\x80e\r\n\r\n', 'latin1')).fields[0]!.value).toBe('gr\xfc\x80e');
  });

  test('no octets make it throw, and fields and flaws cover the section in order', () => {
    const octet = fc.oneof(fc.constantFrom(10, 13, 32, 58, 65), fc.nat(255));
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 200 }), (octets) => {
        const section = parseHeaderSection(Uint8Array.from(octets));
        let at = 0;
        for (const field of section.fields) {
          expect(field.start).toBeGreaterThanOrEqual(at);
          expect(field.end).toBeGreaterThan(field.start);
          at = field.end;
        }
        expect(section.length).toBeGreaterThanOrEqual(at);
        expect(section.length).toBeLessThanOrEqual(octets.length);
      }),
    );
  });

  test('fields that were written read back the same', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/);
    const value = fc.stringMatching(/^[!-~]{1,40}( [!-~]{1,40}){0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
        const text = `${fields.map((field) => `${foldField(...field)}\r\n`).join('')}\r\n`;
        expect(pairs(text)).toEqual(fields);
      }),
    );
  });
});

describe('folding', () => {
  test('lines stay within 78 columns where there is white space to fold at', () => {
    const folded = foldField(
      'Authentication-Results',
      `mx.example.org; ${'spf=pass smtp.mailfrom=a@example.org; '.repeat(5)}`,
    );
    expect(folded.split('\r\n').length).toBeGreaterThan(2);
    for (const line of folded.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
  });
  test('a line break in a value starts no field', () => {
    expect(foldField('X-A', 'a\r\nBcc: b\nc\rd')).toBe('X-A: a Bcc: b c d');
  });
  test('a long first word stays beside the name', () => {
    expect(foldField('X', 'y'.repeat(90))).toBe(`X: ${'y'.repeat(90)}`);
  });
});

describe('encoded words', () => {
  test.each([
    ['plain', 'plain'],
    ['=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
    ['=?UTF-8?B?R3LDvMOfZQ==?=', 'Grüße'],
    ['=?iso-8859-1?q?a_b=20c?= d', 'a b c d'],
    ['=?us-ascii*en?Q?Keith?= Moore', 'Keith Moore'],
    ['x =?utf-8?q?a?=\t =?utf-8?q?b?= y', 'x ab y'],
    ['=?utf-8?q?a?= b =?utf-8?q?c?=', 'a b c'],
    ['=?utf-8?B?w?= =?utf-8?B?7w=?=', '=?utf-8?B?w?= =?utf-8?B?7w=?='],
    ['=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=', 'ü'],
    ['=?utf-8?Q?=C3?= =?iso-8859-1?Q?=FC?=', '=?utf-8?Q?=C3?=ü'],
    ['=?x-unknown?Q?a?=', '=?x-unknown?Q?a?='],
    ['=?utf-8?B?!!?=', '=?utf-8?B?!!?='],
    ['=?utf-8?X?a?=', '=?utf-8?X?a?='],
    ['=?utf-8?Q?unclosed', '=?utf-8?Q?unclosed'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
  ])('%s reads %s', (value, expected) => {
    expect(decodeWords(value)).toBe(expected);
  });
  test('no text makes it throw', () => {
    const piece = fc.constantFrom('=?', '?=', '?', 'utf-8', 'Q', 'B', '=', 'C3', ' ', 'w7w=', '\u{1f600}', '_');
    fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => void decodeWords(pieces.join(''))));
  });
});

describe('an address list', () => {
  const at = (display: string, address: string) => ({
    display,
    address,
    domain: address.slice(address.lastIndexOf('@') + 1),
  });
  test.each([
    ['a@b.example', [at('', 'a@b.example')]],
    ['Alice <a@B.Example>, b@c.example', [at('Alice', 'a@b.example'), at('', 'b@c.example')]],
    ['"Smith, John" <j@b.example>', [at('Smith, John', 'j@b.example')]],
    ['John Q. Public <j@b.example>', [at('John Q. Public', 'j@b.example')]],
    ['=?utf-8?q?J=C3=BCrgen?= <j@b.example>', [at('Jürgen', 'j@b.example')]],
    ['j@b.example (John (the) Smith)', [at('John (the) Smith', 'j@b.example')]],
    ['"a b"@b.example', [at('', '"a b"@b.example')]],
    ['a . b @ c . example', [at('', 'a.b@c.example')]],
    [
      'Friends: a@b.example, Bob <b@b.example>;, c@d.example',
      [at('', 'a@b.example'), at('Bob', 'b@b.example'), at('', 'c@d.example')],
    ],
    ['undisclosed-recipients:;', []],
    ['<@x.example,@y.example:a@b.example>', [at('', 'a@b.example')]],
    ['u@[192.0.2.1]', [at('', 'u@[192.0.2.1]')]],
    ['ü <ü@münchen.example>', [at('ü', 'ü@xn--mnchen-3ya.example')]],
    ['"x\\"<e@vil.example>" <a@b.example>', [at('x"<e@vil.example>', 'a@b.example')]],
    ['a@b.example,,', [at('', 'a@b.example')]],
    ['', []],
    ['John', []],
    ['ceo@bank.example attacker@evil.example', []],
    ['ceo@bank.example <attacker@evil.example>', [at('ceo@bank.example', 'attacker@evil.example')]],
    ['<a@b.example> <c@d.example>', []],
    ['<a@b.example', []],
    ['"open <a@b.example>', []],
    ['a@@b.example', []],
    ['a@', []],
    ['(only a comment)', []],
    ['a@b.example (open', []],
  ])('%s', (value, expected) => {
    expect(parseAddressList(value).addresses).toEqual(expected);
  });
  test.each([
    ['"CEO" <ceo@bank.example>x, <a@evil.example>', 1],
    ['ceo@bank.example: a@evil.example;', 1],
    ['<ceo@bank.example>: a@evil.example;', 1],
    ['ceo@[bank.example], a@evil.example', 1],
    ['<ceo@bank.example> <ceo@bank.example>, a@evil.example', 1],
    ['CEO <ceo@bank.example><br>, a@evil.example', 1],
    ['"ceo@bank.example", a@evil.example', 1],
    ['=?utf-8?q?ceo=40bank.example?=, a@evil.example', 1],
    ['a@evil.example, "ceo@bank.example', 1],
    ['a@@b.example, a@evil.example, b@', 2],
    ['Doe, John <john@b.example>', 0],
    ['"", a@b.example', 0],
    ['Friends: a@evil.example;', 0],
    ['a@evil.example,, (ceo@bank.example)', 0],
    ['"ceo@bank.example" <a@evil.example>', 0],
  ])('%s has %i parts that only others could read', (value, unread) => {
    expect(parseAddressList(value)).toMatchObject({ unread, addresses: [{}] });
  });
  test('long hostile values cost no more than their length', () => {
    for (const piece of ['.', 'a@', '<', '(', '"a" ', ',', 'a.', '\\'])
      expect(parseAddressList(`${piece.repeat(100_000)} <a@b.example>`).addresses.length).toBeLessThanOrEqual(1);
    expect(decodeWords('=?utf-8?q?a?= '.repeat(20_000)).length).toBeLessThan(20_010);
    expect(foldField('X', `a${' '.repeat(100_000)}b`).length).toBeGreaterThan(100_000);
    expect(parseHeaderSection(Buffer.from(`A:${' '.repeat(100_000)}b\r\n`)).fields[0]!.value).toBe('b');
  });
  test('no text makes it throw', () => {
    const piece = fc.constantFrom(...'<>,;:@."\\()[]', 'a', 'b.example', ' ', 'ü', '\0', '=?utf-8?q?a?=');
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void parseAddressList(pieces.join(''))));
  });
});
