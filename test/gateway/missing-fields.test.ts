/** A Message-ID and a date for what begins its way here without (RFC 6409 §8), and for nothing else. */
import { expect, test } from 'vitest';
import { rehearsalOf } from '../support/rehearsal.ts';

const INSTALLATION = `hostname: mx.example.net
listeners:
  mx: { address: "127.0.0.1:2525", policy: inbound }
  inside: { address: "127.0.0.1:2526", policy: inbound, trusted_networks: [10.0.0.0/24] }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
default_route: files
`;
const play = rehearsalOf('policy: inbound\nchecks: {}\nrules: {}\n', INSTALLATION);
const HAS = 'Message-ID: <1@client.test>\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\n';
const user = { auth_user: 'alice@example.net', client_ip: '192.0.2.1' };
const inside = { listener: 'inside', client_ip: '10.0.0.9' };

test.each([
  ['a user', user, '', ['Message-ID', 'Date']],
  ['a trusted network', inside, '', ['Message-ID', 'Date']],
  ['a user who wrote both', user, HAS, []],
  ['a user who wrote them in small letters', user, HAS.toLowerCase(), []],
  ['a user who wrote a date alone', user, 'Date: Sun, 22 Nov 2026 09:00:00 +0000\r\n', ['Message-ID']],
  ['a user who wrote a Message-ID alone', user, 'Message-ID: <1@client.test>\r\n', ['Date']],
  ['a relay of a trusted network', inside, 'Received: from a by b; Sun, 22 Nov 2026 09:00:00 +0000\r\n', []],
  ['the world', { client_ip: '192.0.2.1' }, '', []],
])('mail of %s', async (_, by, fields, names) => {
  const { record, admission } = await play({
    ...by,
    helo: 'client.example',
    mail_from: 'alice@example.net',
    rcpt: ['bob@example.net', 'carol@example.net'],
    raw: `${fields}From: alice@example.net\r\n\r\nhi\r\n`,
    now: '2026-11-22T10:00:00Z',
  });
  const made: { readonly [name: string]: string } = {
    'Message-ID': `Message-ID: <${record.id}@mx.example.net>`,
    Date: 'Date: Sun, 22 Nov 2026 10:00:00 +0000',
  };
  const edits = names.map((name) => ({ kind: 'addField', field: made[name] }));
  expect(admission?.entries.map((entry) => entry.edits)).toEqual([edits, edits]);
});
