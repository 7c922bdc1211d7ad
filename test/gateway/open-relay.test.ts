/** Never an open relay: every way of writing an address that ever made a host pass mail on, said by a stranger over a real socket. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { Client } from '../support/receiver.ts';

let gateway: Gateway;
let client: Client;
let folder = '';
let mail = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'open-relay-'));
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
  const lines = [
    'hostname: mx.gateway.test',
    'listeners:',
    '  mx: { address: "127.0.0.1:0", policy: inbound }',
    '  up: { address: "127.0.0.1:0", policy: inbound, xclient_from: [127.0.0.1], trusted_networks: [10.0.0.0/8] }',
    'store: { path: store, min_free: 1 MiB }',
    'domains:',
    '  any.test: { route: files, recipients: any }',
    '  listed.test: { route: files, recipients: { inline: [alice, "odd%one", "old!way", "-oddly", "|pipe"] } }',
    '  bücher.test: { route: files, recipients: any }',
    '  pattern.test: { route: files, recipients: { pattern: ".*" } }',
    'routes: { files: { protocol: maildir, path: mail } }',
    'default_route: files',
    'limits: { errors: 1000, transactions: 100000, idle_commands: 100000 }',
    '',
  ];
  const config = join(folder, 'postern.yaml');
  writeFileSync(config, lines.join('\n'));
  mail = join(folder, 'mail');
  const quiet = () => {};
  gateway = await startGateway(config, { log: { event: quiet, warn: quiet, error: quiet } });
  client = await Client.connect(Number(gateway.addresses.mx!.split(':')[1]));
  await client.reply();
  expect(await client.ask('EHLO stranger.test')).toContain('SMTPUTF8');
});
afterAll(async () => {
  client?.socket.destroy();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** What was answered to RCPT, and to the DATA that followed. */
async function attempt(path: string): Promise<readonly [string, string]> {
  expect(await client.ask('MAIL FROM:<stranger@sender.test> SMTPUTF8')).toMatch(/^250 /);
  const rcpt = await client.ask(octets(`RCPT TO:${path}`));
  const data = await client.ask('DATA');
  if (data?.startsWith('354')) await client.ask('Subject: relayed\r\n\r\ntext\r\n.');
  else await client.ask('RSET');
  return [rcpt?.slice(0, 9) ?? 'closed', data?.slice(0, 3) ?? 'closed'];
}

const DENIED = '550 5.7.1';
const ROUTED = '550 5.1.3';
const SYNTAX = '501 5.1.3';

describe('nothing gets through for a stranger', () => {
  test.each<[string, string, string]>([
    ['another domain', '<victim@evil.test>', DENIED],
    ['another domain in capitals', '<victim@EVIL.TEST>', DENIED],
    ['a domain that ends as ours', '<victim@notany.test>', DENIED],
    ['a domain below ours', '<victim@sub.any.test>', DENIED],
    ['ours as a label of another', '<victim@any.test.evil.test>', DENIED],
    ['percent hack', '<victim%evil.test@any.test>', ROUTED],
    ['percent hack, twice', '<victim%evil.test%any.test@any.test>', ROUTED],
    ['percent hack toward a literal', '<victim%[192.0.2.1]@any.test>', SYNTAX],
    ['percent hack toward a literal in quotes', '<"victim%[192.0.2.1]"@any.test>', ROUTED],
    ['percent hack in quotes', '<"victim%evil.test"@any.test>', ROUTED],
    ['percent hack behind a tag', '<postmaster+victim%evil.test@any.test>', ROUTED],
    ['percent hack behind the tag of a listed one', '<alice+victim%evil.test@listed.test>', ROUTED],
    ['percent hack toward a pattern', '<victim%evil.test@pattern.test>', ROUTED],
    ['percent hack toward a listed domain', '<victim%evil.test@listed.test>', ROUTED],
    ['percent hack, escaped', '<"victim\\%evil.test"@any.test>', ROUTED],
    ['percent hack in full width', '<victim％evil.test@any.test>', ROUTED],
    ['percent hack in small form', '<victim﹪evil.test@any.test>', ROUTED],
    ['percent hack and our name by the other domain', '<victim%any.test@evil.test>', DENIED],
    ['an option', '<-oX/tmp/x@any.test>', ROUTED],
    ['an option toward a pattern', '<-f@pattern.test>', ROUTED],
    ['an option in full width', '<－f@any.test>', ROUTED],
    ['an option behind a quoted space', '<" -f"@any.test>', ROUTED],
    ['a listed option with a tag', '<-oddly+x@listed.test>', ROUTED],
    ['a command', '<|id@any.test>', ROUTED],
    ['a command in quotes', '<"|touch x"@any.test>', ROUTED],
    ['a file', '</etc/passwd@any.test>', ROUTED],
    ['bang path', '<evil.test!victim@any.test>', ROUTED],
    ['bang path, long', '<a!b!evil.test!victim@any.test>', ROUTED],
    ['bang path in quotes', '<"evil.test!victim"@any.test>', ROUTED],
    ['bang path in full width', '<evil.test！victim@any.test>', ROUTED],
    ['bang path without a domain', '<evil.test!victim>', SYNTAX],
    ['bang path from us', '<any.test!victim@evil.test>', DENIED],
    ['bang and percent', '<evil.test!victim%any.test@any.test>', ROUTED],
    ['quoted @', '<"victim@evil.test"@any.test>', ROUTED],
    ['quoted @ in full width', '<victim＠evil.test@any.test>', ROUTED],
    ['quoted @, escaped', '<"victim\\@evil.test"@any.test>', ROUTED],
    ['quoted @ that no domain follows', '<"victim@evil.test">', SYNTAX],
    ['quoted source route', '<"@evil.test:victim"@any.test>', ROUTED],
    ['two @', '<victim@evil.test@any.test>', SYNTAX],
    ['two @, ours first', '<victim@any.test@evil.test>', SYNTAX],
    ['an escaped @ without quotes', '<victim\\@evil.test@any.test>', SYNTAX],
    ['source route through us', '<@any.test:victim@evil.test>', DENIED],
    ['source route through us twice', '<@any.test,@any.test:victim@evil.test>', DENIED],
    ['source route through us to a percent hack', '<@any.test:victim%evil.test@any.test>', ROUTED],
    ['source route without a mailbox', '<@any.test:>', SYNTAX],
    ['source route without a colon', '<@any.test,victim@evil.test>', SYNTAX],
    ['source route of another source route', '<@any.test:@evil.test:victim@any.test>', SYNTAX],
    ['a NUL before the end', '<victim@evil.test\0@any.test>', '500 5.5.2'],
    ['a NUL in the domain', '<victim@any.test\0.evil.test>', '500 5.5.2'],
    ['a NUL in quotes', '<"victim\0"@any.test>', '500 5.5.2'],
    ['a tab', '<victim\t@any.test>', '500 5.5.2'],
    ['a look-alike of ours with a Cyrillic letter', '<victim@аny.test>', DENIED],
    ['a look-alike with a Greek letter', '<victim@αny.test>', DENIED],
    ['a look-alike as A-label', '<victim@xn--ny-7lc.test>', DENIED],
    ['an umlaut left out', '<victim@bucher.test>', DENIED],
    ['a zero-width space within ours', '<victim@any\u200b.evil.test>', DENIED],
    ['an A-label that decodes to nothing', '<victim@xn--.test>', SYNTAX],
    ['an A-label of pure ASCII', '<victim@xn--any-.test>', SYNTAX],
    ['a fraction slash', '<victim@evil.test⁄.any.test>', DENIED],
    ['an ideographic full stop', '<victim@evil。test>', DENIED],
    ['an address literal', '<victim@[192.0.2.1]>', DENIED],
    ['our own address as literal', '<victim@[127.0.0.1]>', DENIED],
    ['an address literal by IPv6', '<victim@[IPv6:2001:db8::1]>', DENIED],
    ['our own address as IPv6', '<victim@[IPv6:::1]>', DENIED],
    ['a mapped address literal', '<victim@[IPv6:::ffff:192.0.2.1]>', DENIED],
    ['a literal that is none', '<victim@[any.test]>', SYNTAX],
    ['a literal without brackets', '<victim@192.0.2.1>', DENIED],
    ['a literal of one number', '<victim@3221225985>', DENIED],
    ['a literal of no known kind', '<victim@[x400:any.test]>', SYNTAX],
    ['an encoded word for a domain', '<victim@=?utf-8?q?any=2Etest?=>', SYNTAX],
    ['an encoded @', '<victim=40evil.test@evil.test>', DENIED],
    ['a domain in percent encoding', '<victim@evil%2Etest>', SYNTAX],
    ['a domain in hexadecimal', '<victim@+65vil.test>', SYNTAX],
    ['an underscore', '<victim@any_.test>', SYNTAX],
    ['the root dot behind another domain', '<victim@evil.test.>', SYNTAX],
    ['the root dot behind ours', '<victim@any.test.>', SYNTAX],
    ['a dot before it', '<victim@.any.test>', SYNTAX],
    ['two dots', '<victim@evil..test>', SYNTAX],
    ['a domain too long', `<victim@${'a.'.repeat(128)}any.test>`, SYNTAX],
    ['a local part too long', `<${'v'.repeat(65)}@any.test>`, SYNTAX],
    ['no brackets', 'victim@evil.test', SYNTAX],
    ['brackets within brackets', '<<victim@evil.test>>', '501 5.5.4'],
    ['two paths', '<any@any.test><victim@evil.test>', '501 5.5.4'],
    ['two paths with a comma', '<any@any.test,victim@evil.test>', SYNTAX],
    ['a path behind a space', '<any@any.test> <victim@evil.test>', '501 5.5.4'],
    ['the null path', '<>', SYNTAX],
    ['only an @', '<@>', SYNTAX],
    ['a comment', '<victim(any.test)@evil.test>', SYNTAX],
    ['a group', '<any:victim@evil.test;>', SYNTAX],
    ['a colon as DECnet wrote it', '<evil::victim>', SYNTAX],
    ['a name without a domain that is not postmaster', '<victim>', SYNTAX],
    ['octets that are no UTF-8', '<victim\xff@any.test>', DENIED],
  ])('%s', async (_, path, reply) => {
    // The last one as it stands on the wire: not as UTF-8.
    if (path.includes('\xff')) {
      await client.ask('RSET');
      expect(await client.ask(`RCPT TO:${path}`)).toMatch(/^500 5\.5\.2 /);
      return;
    }
    const [rcpt, data] = await attempt(path);
    expect(rcpt).toBe(reply);
    expect(['554', '503']).toContain(data);
  });

  test('and nothing lies in any box, nor waits', () => {
    const files = existsSync(mail) ? readdirSync(mail, { recursive: true, withFileTypes: true }) : [];
    expect(files.filter((file) => file.isFile())).toEqual([]);
  });
});

test.each([
  ['an ordinary address', '<alice@any.test>'],
  ['our domain in capitals', '<alice@ANY.TEST>'],
  ['our domain as it is written', '<alice@bücher.test>'],
  ['our domain as A-label', '<alice@xn--bcher-kva.test>'],
  ['a source route to us, which is dropped', '<@evil.test:alice@any.test>'],
  ['a quoted space', '<"alice b"@any.test>'],
  ['a percent sign that is listed', '<odd%one@listed.test>'],
  ['a bang that is listed', '<OLD!way@listed.test>'],
  ['an option that is listed', '<-Oddly@listed.test>'],
  ['a command that is listed', '<|pipe@listed.test>'],
  ['a dash within', '<alice-f@any.test>'],
  ['postmaster', '<Postmaster>'],
])('what is ours is taken: %s', async (_, path) => {
  expect(await client.ask('MAIL FROM:<stranger@sender.test> SMTPUTF8')).toMatch(/^250 /);
  expect(await client.ask(octets(`RCPT TO:${path}`))).toMatch(/^250 /);
  expect(await client.ask('RSET')).toMatch(/^250 /);
});

test('an upstream relays for clients it names that are trusted, not for those it cannot name', async () => {
  const upstream = await Client.connect(Number(gateway.addresses.up!.split(':')[1]));
  onTestFinished(() => void upstream.socket.destroy());
  await upstream.reply();
  const asked = async (address: string): Promise<string | undefined> => {
    expect(await upstream.ask(`XCLIENT ADDR=${address}`)).toMatch(/^220 /);
    await upstream.ask('EHLO client.test');
    await upstream.ask('MAIL FROM:<a@sender.test>');
    const answer = await upstream.ask('RCPT TO:<victim@evil.test>');
    await upstream.ask('RSET');
    return answer?.slice(0, 9);
  };
  expect(await asked('10.0.0.9')).toBe('250 2.1.5');
  expect(await asked('[UNAVAILABLE]')).toBe(DENIED);
  expect(await asked('[TEMPUNAVAIL]')).toBe(DENIED);
  expect(await asked('192.0.2.9')).toBe(DENIED);
  expect(await asked('10.0.0.9')).toBe('250 2.1.5');
});
