/** Authentication-Results as we write them, and the name a forged one bears. */
import { describe, expect, test } from 'vitest';
import { composeAuthenticationResults, parseAuthservId } from '../../src/mail/authentication-results.ts';

describe('what we write', () => {
  test('methods stand in order with their properties', () => {
    const value = composeAuthenticationResults('mx1.example.com', [
      { method: 'spf', result: 'pass', properties: [['smtp', 'mailfrom', 'a@example.org']] },
      { method: 'dkim', result: 'fail', reason: 'bad signature', properties: [['header', 'd', 'example.org']] },
      { method: 'iprev', result: 'pass', properties: [['policy', 'iprev', '2001:db8::1']] },
    ]);
    expect(value).toBe(
      'mx1.example.com; spf=pass smtp.mailfrom=a@example.org; dkim=fail reason="bad signature" header.d=example.org; iprev=pass policy.iprev="2001:db8::1"',
    );
  });
  test('nothing asked is said', () => {
    expect(composeAuthenticationResults('mx1.example.com', [])).toBe('mx1.example.com; none');
  });
  test.each([
    ['"a;b"@example.org', '"\\"a;b\\"@example.org"'],
    ['x; dkim=pass', '"x; dkim=pass"'],
    ['x\r\nBcc: y', '"x  Bcc: y"'],
    ['x(c)', '"x(c)"'],
  ])('a value such as %j is quoted', (value, written) => {
    const methods = [{ method: 'spf', result: 'fail', properties: [['smtp', 'helo', value]] as const }];
    expect(composeAuthenticationResults('mx', methods)).toBe(`mx; spf=fail smtp.helo=${written}`);
  });
  test('a property without a value is left out', () => {
    expect(
      composeAuthenticationResults('mx', [{ method: 'spf', result: 'none', properties: [['smtp', 'mailfrom', '']] }]),
    ).toBe('mx; spf=none');
  });
});

describe('whose name a field bears', () => {
  test.each([
    ['mx1.example.com; spf=pass', 'mx1.example.com'],
    ['MX1.Example.COM; none', 'mx1.example.com'],
    ['mx1.example.com 1; spf=pass', 'mx1.example.com'],
    ['mx1.example.com/1; spf=pass', 'mx1.example.com'],
    [' (a (nested) \\) comment) mx1.example.com(x);spf=pass', 'mx1.example.com'],
    ['"mx1.example.com"; none', 'mx1.example.com'],
    ['"mx1\\.example.com" 2; none', 'mx1.example.com'],
    ['münchen.example; none', 'xn--mnchen-3ya.example'],
    ['mx1.example.com', 'mx1.example.com'],
    ['(unclosed mx1.example.com; none', undefined],
    ['; spf=pass', undefined],
    ['', undefined],
  ])('%s', (value, expected) => {
    expect(parseAuthservId(value)).toBe(expected);
  });
});
