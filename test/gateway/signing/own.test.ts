/** Signatures over mail of our own: by the domain it is from or the one our name lies in, told in its record, and by nobody else. */
import { expect, test } from 'vitest';
import type { Installation } from '../../../src/config/installation.ts';
import { signedOwn } from '../../../src/gateway/signing/own.ts';
import type { Notification } from '../../../src/ports/queue.ts';
import { anEntry, T0 } from '../../support/entries.ts';
import { sampleRecord } from '../../support/samples.ts';
import { contentOf, keyRing } from '../../support/signed-variants.ts';

const ring = keyRing();
const mail: Notification = {
  record: sampleRecord('r'),
  content: contentOf('From: MAILER-DAEMON@mx.example.com\r\nSubject: x\r\n\r\nBody.\r\n'),
  entry: anEntry({ sender: 'unverified' }),
};
const by = (hostname: string, signing: Installation['signing'] = ring.signing) =>
  signedOwn(mail, { signing, hostname }, ring.keys, T0);

test('it is signed by the domain it is from, and its record says by whom', async () => {
  const { entry, record } = await by('mx.example.com');
  expect(entry.prefix.match(/^DKIM-Signature/gm)).toHaveLength(2);
  expect(record.recipients[0]?.notes).toEqual([
    { by: 'signing', text: 'signed: example.com by rsa (rsa-sha256), ed (ed25519-sha256)' },
  ]);
});

test('from a domain without a key it is signed by the one that our name lies in', async () => {
  const foreign = { ...mail, content: contentOf('From: d@digest.test\r\n\r\nBody.\r\n') };
  const { entry } = await signedOwn(foreign, { signing: ring.signing, hostname: 'mx.example.com' }, ring.keys, T0);
  expect(entry.prefix).toContain(' d=example.com;');
});

test('where nobody signs it goes as it is, and its record tells of no signature', async () => {
  const elsewhere = new Map([['example.org', ring.signing.get('example.com')!]]);
  expect(await by('mx.example.com', elsewhere)).toEqual(mail);
  expect(await by('mx.example.com', new Map())).toBe(mail);
});
