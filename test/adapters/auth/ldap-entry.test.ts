/** The one name of an entry, whatever a directory makes of letters and attributes. */
import { expect, test } from 'vitest';
import { addressesOf, nameOf } from '../../../src/adapters/auth/ldap-entry.ts';

test.each<[string, object, string]>([
  ['as it stands', { uid: 'alice' }, 'alice'],
  ['in capitals, its attribute too', { UID: ['Alice'] }, 'alice'],
  ['with what stands behind its attribute', { 'uid;lang-en': 'alice' }, 'alice'],
  ['with accents, composed or not', { uid: 'jose\u0301' }, 'jos\u00e9'],
  ['between blanks', { uid: ' alice ' }, 'alice'],
  ['written in two ways', { uid: ['Alice', 'ALICE'] }, 'alice'],
])('a name %s', (_, attributes, user) => {
  expect(nameOf({ dn: 'uid=x', ...attributes }, 'uid')).toEqual({ kind: 'named', user });
});

test.each<[string, object, string]>([
  ['no value', { mail: 'alice@example.com' }, 'has no uid'],
  ['none at all', { uid: [] }, 'has no uid'],
  ['two values', { uid: ['alice', 'bob'] }, '2 values of uid'],
  ['blanks within', { uid: 'Alice A' }, 'blanks'],
  ['octets', { uid: Buffer.from('alice') }, 'has no uid'],
  ['one that is and one that is none', { uid: ['alice', 'Alice A'] }, '2 values'],
])('an entry with %s is nameless', (_, attributes, why) => {
  expect(nameOf({ dn: 'uid=x', ...attributes }, 'uid')).toMatchObject({
    kind: 'nameless',
    why: expect.stringContaining(why),
  });
});

test('the name of the entry itself is no attribute', () => {
  expect(nameOf({ dn: 'alice' }, 'dn')).toMatchObject({ kind: 'nameless' });
});

test('addresses of several attributes, and what is of another kind is passed over', () => {
  const entry = { dn: 'x', proxyAddresses: ['SMTP:Alice@Example.com', 'sip:alice@example.com'], Mail: 'a@example.com' };
  expect(addressesOf(entry, ['mail', 'proxyaddresses'])).toEqual(['a@example.com', 'alice@example.com']);
});
