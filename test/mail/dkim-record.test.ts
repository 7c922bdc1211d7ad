/** A key record as it is published: when a signature of ours would hold against it, and why not. */
import { expect, test } from 'vitest';
import { isTesting, keyName, keyRecord, recordFault, recordStrings } from '../../src/mail/dkim-record.ts';

const RSA = { algorithm: 'rsa-sha256', published: 'AAAABBBB' } as const;
const ED = { algorithm: 'ed25519-sha256', published: 'CCCC' } as const;

test('what is written for an operator is what is wanted of the zone', () => {
  for (const key of [RSA, ED]) expect(recordFault(keyRecord(key), key)).toBeUndefined();
  expect(keyName('s1', 'example.com')).toBe('s1._domainkey.example.com');
  const strings = recordStrings(`${'a'.repeat(255)}${'b'.repeat(255)}c`);
  expect(strings).toEqual(['a'.repeat(255), 'b'.repeat(255), 'c']);
});

test.each<[string, string | undefined]>([
  ['p=AAAABBBB', undefined], // of RSA, where nothing is said (RFC 6376 §3.6.1)
  [' v = DKIM1 ; K=x; k = RSA ; p = AAAA \t BBBB ; ', undefined],
  ['v=DKIM1; p=AAAABBBB; h=sha1:SHA256; s=*', undefined],
  ['v=DKIM1; p=AAAABBBB; s=tls:Email', undefined],
  ['v=DKIM1; p=AAAABBBB; p=AAAABBBB', 'is no list of tags'],
  ['v=DKIM1; what is this', 'is no list of tags'],
  ['=x; p=AAAABBBB', 'is no list of tags'],
  ['v=DKIM2; p=AAAABBBB', 'begins with v=DKIM2'],
  ['v=DKIM1', 'has no p='],
  ['v=DKIM1; p= ', 'has an empty p=, which revokes the key'],
  ['v=DKIM1; k=ed25519; p=AAAABBBB', 'is of a key of another kind, ed25519'],
  ['v=DKIM1; p=CCCC', 'is that of another key'],
  ['v=DKIM1; p=AAAABBBB; h=sha1', 'does not allow sha256 (h=)'],
  ['v=DKIM1; p=AAAABBBB; h=*', 'does not allow sha256 (h=)'],
  ['v=DKIM1; p=AAAABBBB; s=tls', 'is not for mail (s=)'],
])('%s: %s', (text, fault) => {
  expect(recordFault(text, RSA)).toBe(fault);
});

test.each([
  ['v=DKIM1; p=A; t=y', true],
  ['v=DKIM1; p=A; t=s:Y', true],
  ['v=DKIM1; p=A; t=s', false],
  ['v=DKIM1; p=A', false],
  ['what is this', false],
])('%s says that it is a test: %s', (text, testing) => {
  expect(isTesting(text)).toBe(testing);
});
