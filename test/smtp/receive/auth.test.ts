/** AUTH on the wire: every way to begin, go on and leave an exchange, and what of it may be kept. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { receiving, type World } from '../../support/receiver.ts';
import { contextOf, endClients, makePair, type SecureClient, upgraded } from '../../support/tls.ts';

const context = contextOf(makePair('mx.example.com'));
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const salted = pbkdf2Sync('pencil', salt, 4096, 32, 'sha256');
const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const clientKey = hmac(salted, 'Client Key');
const keys = {
  iterations: 4096,
  salt,
  storedKey: createHash('sha256').update(clientKey).digest(),
  serverKey: hmac(salted, 'Server Key'),
};
let world: World;
afterEach(async () => {
  endClients();
  await world.end();
});

async function client(required = true): Promise<SecureClient> {
  world = await receiving({
    dsn: false,
    tls: { mode: 'opportunistic', contextFor: () => context },
    auth: { required, mechanisms: () => ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'] },
    script: { keys },
  });
  const one = await upgraded(await world.client());
  await one.ask('EHLO client.example.net');
  return one;
}
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test.each([
  ['a mechanism that is not offered', ['AUTH GSSAPI'], '504 5.5.4'],
  ['no mechanism', ['AUTH'], '504 5.5.4'],
  ['a response that is no base64', ['AUTH PLAIN a!'], '501 5.5.2'],
  ['base64 without its padding', ['AUTH PLAIN YQ'], '501 5.5.2'],
  ['PLAIN without NUL', [`AUTH PLAIN ${base64('alice secret')}`], '501 5.5.2'],
  ['PLAIN with too many', [`AUTH PLAIN ${base64('\0alice\0right\0more')}`], '501 5.5.2'],
  ['PLAIN that is no UTF-8', ['AUTH PLAIN AGH/AHI='], '501 5.5.2'],
  ['a wrong password', [`AUTH PLAIN ${base64('\0alice\0wrong')}`], '535 5.7.8'],
  ['nothing at all', ['AUTH PLAIN ='], '501 5.5.2'],
  ['a challenge that is answered with a star', ['AUTH LOGIN', '*'], '501 5.7.0'],
  ['a challenge that is answered with a command', ['AUTH LOGIN', 'QUIT now'], '501 5.5.2'],
  ['SCRAM with channel binding', [`AUTH SCRAM-SHA-256 ${base64('p=tls-unique,,n=a,r=b')}`], '501 5.5.2'],
  ['SCRAM with an extension', [`AUTH SCRAM-SHA-256 ${base64('n,,m=x,n=a,r=b')}`], '501 5.5.2'],
  ['SCRAM that begins with its end', [`AUTH SCRAM-SHA-256 ${base64('c=biws,r=x,p=')}`], '501 5.5.2'],
  [
    'SCRAM with another nonce',
    [`AUTH SCRAM-SHA-256 ${base64('n,,n=a,r=b')}`, base64(`c=biws,r=b,p=${'A'.repeat(43)}=`)],
    '501 5.5.2',
  ],
])('%s', async (_, lines, reply) => {
  const one = await client();
  let last: string | undefined;
  for (const line of lines) last = await one.ask(line);
  expect(last).toMatch(new RegExp(`^${reply} `));
  // The next line is a command again.
  expect(await one.ask('NOOP')).toBe('250 2.0.0 OK');
  expect(await one.ask('MAIL FROM:<a@example.net>')).toMatch(/^530 5\.7\.0 /);
});

test('the exchange of RFC 7677 goes as it is printed there', async () => {
  const one = await client();
  const bare = 'n=user,r=rOprNGfwEbeRWgbNEkqO';
  const first = await one.ask(`AUTH SCRAM-SHA-256 ${base64(`n,,${bare}`)}`);
  const server = Buffer.from(first!.slice(4), 'base64').toString();
  expect(server).toMatch(/^r=rOprNGfwEbeRWgbNEkqO[^,]{24},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096$/);
  const final = `c=biws,r=${server.slice(2, server.indexOf(','))}`;
  const message = `${bare},${server},${final}`;
  const signature = hmac(keys.storedKey, message);
  const proof = Buffer.from(clientKey.map((octet, n) => octet ^ signature[n]!)).toString('base64');
  const verifier = `v=${hmac(keys.serverKey, message).toString('base64')}`;
  expect(await one.ask(base64(`${final},p=${proof}`))).toBe(`334 ${base64(verifier)}`);
  expect(await one.ask('MAIL FROM:<a@example.net>')).toMatch(/^501 5\.5\.2 /);
  expect(await one.ask('MAIL FROM:<a@example.net>')).toMatch(/^530 5\.7\.0 /);
});

test('who has logged in is offered DSN, and AUTH no more', async () => {
  const one = await client(false);
  expect(await one.ask('MAIL FROM:<a@example.net> RET=HDRS')).toMatch(/^555 /);
  expect(await one.ask(`AUTH PLAIN ${base64('\0alice\0right')}`)).toBe('235 2.7.0 welcome');
  const offered = await one.ask('EHLO client.example.net');
  expect(offered).toContain('DSN');
  expect(offered).not.toContain('AUTH');
  expect(await one.ask('MAIL FROM:<a@example.net> RET=HDRS')).toMatch(/^250 /);
  expect(await one.ask('AUTH PLAIN')).toMatch(/^503 5\.5\.1 /);
});

test.each([
  ['AUTH=<>', '250'],
  ['AUTH=alice@example.net', '250'],
  ['AUTH=e+3Dmc2@example.com', '250'],
  ['AUTH=e+3dmc2@example.com', '501 5.5.4'],
  ['AUTH', '501 5.5.4'],
])('who may log in may say %s of a message (RFC 4954 §5)', async (parameter, reply) => {
  const one = await client(false);
  expect(await one.ask(`MAIL FROM:<a@example.net> ${parameter}`)).toMatch(new RegExp(`^${reply} `));
});

test('AUTH does not stand within a transaction', async () => {
  const one = await client(false);
  await one.ask('MAIL FROM:<a@example.net>');
  expect(await one.ask(`AUTH PLAIN ${base64('\0alice\0right')}`)).toMatch(/^503 5\.5\.1 /);
});

test('of what is refused nothing but the mechanism goes on record', async () => {
  const one = await client();
  await one.ask(`AUTH PLAIN ${base64('\0alice\0secret')}x`);
  await one.ask('AUTH LOGIN');
  await one.ask('RSET secret\x07');
  await one.ask('*');
  await one.ask(base64('secret'));
  await one.ask('RSET now');
  expect(world.script.refusals.map(({ text }) => text)).toEqual(['AUTH PLAIN', '', 'AUTH LOGIN', '', 'RSET now']);
});
