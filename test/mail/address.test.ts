/** Mailboxes, paths and domains as RFC 5321, 6531 and 5890 have them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMailbox, parsePath, quoteLocal, splitPath, toAscii, toUnicode } from '../../src/mail/address.ts';

const x = (n: number): string => 'x'.repeat(n);
const labels = (n: number): string => Array.from({ length: n }, () => x(49)).join('.');

describe('a mailbox', () => {
  test.each([
    ['user@example.org', 'user', 'example.org', 'user@example.org'],
    ['User@EXAMPLE.Org', 'User', 'example.org', 'User@example.org'],
    ["o'neil+tag=x@example.org", "o'neil+tag=x", 'example.org', "o'neil+tag=x@example.org"],
    ['"a b"@example.org', 'a b', 'example.org', '"a b"@example.org'],
    ['"a@b"@example.org', 'a@b', 'example.org', '"a@b"@example.org'],
    ['"plain"@example.org', 'plain', 'example.org', 'plain@example.org'],
    ['"a\\"b\\\\c"@example.org', 'a"b\\c', 'example.org', '"a\\"b\\\\c"@example.org'],
    ['""@example.org', '', 'example.org', '""@example.org'],
    ['".a"@example.org', '.a', 'example.org', '".a"@example.org'],
    ['u@[192.0.2.1]', 'u', '[192.0.2.1]', 'u@[192.0.2.1]'],
    ['u@[ipv6:2001:DB8:0::1]', 'u', '[IPv6:2001:db8::1]', 'u@[IPv6:2001:db8::1]'],
    ['u@[IPv6:::ffff:192.0.2.1]', 'u', '[IPv6:::ffff:192.0.2.1]', 'u@[IPv6:::ffff:192.0.2.1]'],
    ['u@localhost', 'u', 'localhost', 'u@localhost'],
    ['u@xn--mnchen-3ya.example', 'u', 'xn--mnchen-3ya.example', 'u@xn--mnchen-3ya.example'],
    [`${x(64)}@example.org`, x(64), 'example.org', `${x(64)}@example.org`],
  ])('%s is taken', (text, local, domain, address) => {
    expect(parseMailbox(text, false)).toEqual({ kind: 'ok', value: { local, domain, address } });
  });

  test.each([
    ['', 'local part'],
    ['user', '@'],
    ['@example.org', 'local part'],
    ['user@', 'host name'],
    ['a b@example.org', '@'],
    ['.a@example.org', 'local part'],
    ['a.@example.org', '@'],
    ['a..b@example.org', '@'],
    ['a@b@example.org', 'host name'],
    ['"a@example.org', 'not closed'],
    ['"a"b@example.org', '@'],
    ['"a\r\nb"@example.org', 'control'],
    ['a\0@example.org', 'control'],
    ['a@example..org', 'host name'],
    ['a@example.org.', 'host name'],
    ['a@-example.org', 'host name'],
    ['a@example-.org', 'host name'],
    ['a@ex_ample.org', 'host name'],
    ['a@xn--a.example', 'host name'],
    [`a@${x(64)}.org`, 'host name'],
    [`${x(65)}@example.org`, '64'],
    [`${x(64)}@${labels(4)}`, '254'],
    ['a@[192.0.2.256]', 'literal'],
    ['a@[2001:db8::1]', 'literal'],
    ['a@[IPv6:192.0.2.1]', 'literal'],
    ['a@[x:foo]', 'literal'],
    ['a@[192.0.2.1', 'literal'],
    ['ü@example.org', 'SMTPUTF8'],
    ['a@münchen.example', 'SMTPUTF8'],
  ])('%j is refused, and the reason says %s', (text, why) => {
    expect(parseMailbox(text, false)).toEqual({ kind: 'bad', why: expect.stringContaining(why) });
  });

  test('with SMTPUTF8 the local part keeps its letters and the domain becomes A-labels', () => {
    expect(parseMailbox('jürgen@MÜNCHEN.example', true)).toEqual({
      kind: 'ok',
      value: { local: 'jürgen', domain: 'xn--mnchen-3ya.example', address: 'jürgen@xn--mnchen-3ya.example' },
    });
  });

  test('limits count octets, not letters', () => {
    expect(parseMailbox(`${'ü'.repeat(32)}@example.org`, true).kind).toBe('ok');
    expect(parseMailbox(`${'ü'.repeat(33)}@example.org`, true).kind).toBe('bad');
  });

  test('any local part, once quoted, reads back the same', () => {
    const letter = fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit: letter, maxLength: 30 }), (local) => {
        const parsed = parseMailbox(`${quoteLocal(local)}@example.org`, false);
        expect(parsed).toEqual({ kind: 'ok', value: expect.objectContaining({ local }) });
      }),
    );
  });

  test('no text makes it throw, and what it takes it takes again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.boolean(), (text, utf8) => {
        for (const candidate of [text, `${text}@example.org`, `a@${text}`, `"${text}"@b`]) {
          const once = parseMailbox(candidate, utf8);
          if (once.kind === 'ok') expect(parseMailbox(once.value.address, utf8)).toEqual(once);
        }
      }),
    );
  });
});

describe('a path', () => {
  const mailbox = { local: 'a', domain: 'b.example', address: 'a@b.example' };
  test.each([
    ['<>', { kind: 'null' }],
    ['<a@b.example>', { kind: 'mailbox', mailbox }],
    ['<@x.example,@[192.0.2.1]:a@b.example>', { kind: 'mailbox', mailbox }],
    ['<@[IPv6:2001:db8::1]:a@b.example>', { kind: 'mailbox', mailbox }],
    [
      '<@x.example:a@[192.0.2.1]>',
      { kind: 'mailbox', mailbox: { local: 'a', domain: '[192.0.2.1]', address: 'a@[192.0.2.1]' } },
    ],
    [
      '<@[192.0.2.2]:a@[192.0.2.1]>',
      { kind: 'mailbox', mailbox: { local: 'a', domain: '[192.0.2.1]', address: 'a@[192.0.2.1]' } },
    ],
  ])('%s is a reverse-path', (text, value) => {
    expect(parsePath(text, false)).toEqual({ kind: 'ok', value });
  });

  test.each([
    '',
    'a@b.example',
    '<a@b.example',
    '<a>',
    '< a@b.example>',
    '<@x.example a@b.example>',
    '<x.example:a@b>',
  ])('"%s" is none', (text) => {
    expect(parsePath(text, false).kind).toBe('bad');
  });

  test('the bare postmaster is a forward-path and no reverse-path, the null path the other way round', () => {
    expect(parsePath('<PostMaster>', false, 'forward')).toEqual({
      kind: 'ok',
      value: { kind: 'mailbox', mailbox: { local: 'PostMaster', domain: '', address: 'PostMaster' } },
    });
    expect(parsePath('<postmaster>', false).kind).toBe('bad');
    expect(parsePath('<>', false, 'forward').kind).toBe('bad');
  });

  test.each([
    ['<a@b> SIZE=1', { path: '<a@b>', rest: ' SIZE=1' }],
    ['<"a>\\">"@b> X', { path: '<"a>\\">"@b>', rest: ' X' }],
    ['<>', { path: '<>', rest: '' }],
    ['a@b', undefined],
    ['<a@b', undefined],
  ])('%s is cut behind its bracket', (text, expected) => {
    expect(splitPath(text)).toEqual(expected);
  });
});

describe('a domain', () => {
  test.each([
    ['Example.ORG', 'example.org'],
    ['example.org.', 'example.org'],
    ['_dmarc.example.org', '_dmarc.example.org'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['XN--MNCHEN-3YA.example', 'xn--mnchen-3ya.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
  ])('%s is %s', (text, expected) => {
    expect(toAscii(text)).toBe(expected);
  });

  test.each([
    '',
    '.',
    'a..b',
    '.a',
    'a..',
    `${x(64)}.org`,
    `${labels(6)}`,
    'a b.org',
    'a@b.org',
    'xn--a',
    'a\u200d.org',
    'a/b',
  ])('"%s" is none', (text) => {
    expect(toAscii(text)).toBeUndefined();
  });

  test('a person sees Unicode where it round-trips', () => {
    expect(toUnicode('xn--mnchen-3ya.example')).toBe('münchen.example');
    expect(toUnicode('example.org')).toBe('example.org');
    expect(toUnicode('xn--a.example')).toBe('xn--a.example');
  });
});
