/** The whole way of a held message: its recipient is told by mail, opens the link, says yes, and has it octet for octet. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestKeys } from '../../src/adapters/files/digest-keys.ts';
import { dkim } from '../../src/checks/dkim.ts';
import { signRight } from '../../src/gateway/digest/token.ts';
import { days, hours } from '../../src/mail/time.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import type { Log } from '../../src/ports/log.ts';
import { runOn } from '../support/check-bench.ts';
import { MovableClock } from '../support/movable-clock.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { ed25519Key } from '../support/signing.ts';
import { speak } from '../support/speak.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';

const NIGHT = Date.UTC(2026, 10, 22, 2);
const MORNING = Date.UTC(2026, 10, 22, 7);
const POLICY = `policy: plain
checks: {}
rules:
  data:
    - name: held-spam
      when: "header('X-Hold') == 'spam'"
      quarantine: { class: spam, reason: "it says {header.subject}" }
    - name: held-malware
      when: "header('X-Hold') == 'malware'"
      quarantine: { class: malware, reason: "a virus" }
`.replace('{header.subject}', '{from.display}');

let folder = '';
let gateway: Gateway | undefined;
let next: ScriptedHost;
let clock: MovableClock;
let told: string[] = [];
const log: Log = Object.fromEntries(
  ['event', 'warn', 'error'].map((kind) => [kind, (...said: unknown[]) => void told.push(JSON.stringify(said))]),
) as unknown as Log;

async function start(): Promise<void> {
  gateway = await startGateway(join(folder, 'postern.yaml'), { clock, log });
}

beforeEach(async () => {
  told = [];
  clock = new MovableClock(NIGHT);
  folder = temporaryFolder();
  next = await ScriptedHost.start();
  const at = next.address.kind === 'tcp' ? next.address.port : 0;
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/plain.yaml'), POLICY);
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
node: mx
postmaster: it@relay.test
listeners: { mx: { address: "127.0.0.1:0", policy: plain } }
domains:
  relay.test: { route: next, recipients: { inline: [bob, carol] } }
routes: { next: { hosts: ["127.0.0.1:${at}"], tls: none } }
store: { path: store, min_free: 1 MiB }
quarantine: { digest: { link: "https://held.relay.test/q", address: "127.0.0.1:0", at: ["07:00"] } }
`,
  );
  await start();
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await next.stop();
});

const BODY = 'Dear Bob,\r\n..dots\r\n\r\nbye \r\n';
const mail = (to: string, hold: string, header = 'Subject: Win\r\nFrom: <a@sender.test>') =>
  speak(gateway!.addresses.mx!, [
    'EHLO client.test',
    'MAIL FROM:<a@sender.test>',
    `RCPT TO:<${to}>`,
    'DATA',
    `X-Hold: ${hold}\r\n${header}\r\n\r\n${BODY.replace(/^\./gm, '..')}.`,
    'QUIT',
  ]);

/** The nth message that reached the mailboxes, as it was before its dots were stuffed. */
async function arrived(n: number): Promise<string> {
  await expect.poll(() => next.messages.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(n);
  return next.messages[n - 1]!.replace(/^\.\./gm, '.');
}
const morning = () => clock.moveTo(MORNING + 1);

async function linksIn(message: string): Promise<string[]> {
  const { text = '' } = await simpleParser(message);
  return [...text.matchAll(/https:\/\/held\.relay\.test\/q(\/release\/\S+)/g)].map((match) => match[1]!);
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers: { readonly [name: string]: unknown };
}
function ask(method: string, path: string, body = '', headers: { [name: string]: string } = {}): Promise<Answered> {
  const [host, port] = gateway!.pages!.split(':');
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, method, path, agent: false, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: text, headers: response.headers }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const confirm = (path: string) => ask('POST', path, 'confirm=release', FORM);

async function held() {
  const store = await openStore(join(folder, 'store'), { mode: 'visit' });
  const items = await store.queue.quarantined({});
  await store.close();
  return items;
}

test('the mail is signed in the name of our domain, and holds', async () => {
  const key = ed25519Key();
  writeFileSync(join(folder, 'k.pem'), key.privateKey, { mode: 0o600 });
  const config = join(folder, 'postern.yaml');
  writeFileSync(
    config,
    `${readFileSync(config, 'utf8')}signing: { gateway.test: [{ selector: n1, key_file: k.pem }] }\n`,
  );
  expect(await gateway!.reload()).toEqual([]);
  await mail('bob@relay.test', 'spam');
  morning();
  const message = Buffer.from(await arrived(1), 'latin1');
  const zones = { 'n1._domainkey.gateway.test': [{ TXT: key.record }] };
  const { facts } = await runOn(dkim, { zones, message, now: MORNING });
  expect(facts).toMatchObject({ result: 'pass', domains: ['gateway.test'] });
});

describe('a held message', () => {
  test('is told in the morning, released by the form alone, and arrives octet for octet', async () => {
    await mail('bob@relay.test', 'spam');
    expect(next.messages).toEqual([]);
    morning();
    const digest = await arrived(1);
    expect(next.commands).toContainEqual(expect.stringMatching(/^MAIL FROM:<>/));
    expect(next.commands).toContain('RCPT TO:<bob@relay.test> NOTIFY=NEVER');
    const parsed = await simpleParser(digest);
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated');
    expect(parsed.subject).toBe('One message was held for you');
    expect(digest).toMatch(/^From: "Mail gateway mx\.gateway\.test" <it@relay\.test>\r$/m);
    for (const line of digest.split('\r\n')) expect(line).toMatch(/^[\t\x20-\x7e]{0,78}$/);
    const [link = ''] = await linksIn(digest);
    expect(parsed.html).toContain(`https://held.relay.test/q${link}`);

    // Scanners of links, proxies and browsers that fetch ahead.
    expect(await ask('HEAD', link)).toMatchObject({ status: 200, body: '' });
    const page = await ask('GET', link);
    expect(page).toMatchObject({ status: 200 });
    expect((await ask('GET', link, '', { purpose: 'prefetch' })).status).toBe(200);
    expect(page.body).toMatch(/<dt>Subject<\/dt><dd>Win<\/dd>/);
    expect(page.headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-/),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    });
    expect((await ask('POST', link, '{"confirm":"release"}', { 'content-type': 'application/json' })).status).toBe(415);
    expect((await ask('POST', link, 'confirm=no', FORM)).status).toBe(400);
    expect((await ask('POST', link, `confirm=release&x=${'x'.repeat(2000)}`, FORM)).status).toBe(413);
    expect(await held()).toHaveLength(1);

    expect(await confirm(link)).toMatchObject({ status: 200, body: expect.stringContaining('on its way') });
    const message = await arrived(2);
    expect(message.slice(message.indexOf('X-Hold:'))).toBe(
      `X-Hold: spam\r\nSubject: Win\r\nFrom: <a@sender.test>\r\n\r\n${BODY}`,
    );
    expect(await held()).toEqual([]);
    expect(await confirm(link)).toMatchObject({ status: 410, body: expect.stringContaining('released already') });
    expect((await ask('GET', link)).status).toBe(410);

    const store = await openStore(join(folder, 'store'), { mode: 'visit' });
    const [record] = await store.records.search({ from: 'a@sender.test' });
    const events = (await store.records.get(record!.id))!.events;
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'released',
        by: 'bob@relay.test',
        text: 'as recipient; by the link of a digest',
      }),
    );
    await store.close();
    const token = link.slice('/release/'.length);
    expect(told.join('\n')).not.toContain(token);
    expect(JSON.stringify(events)).not.toContain(token);
    expect(told.filter((line) => line.includes('release.request')).length).toBeGreaterThan(5);
  });

  test('is released once, however many say so at once', async () => {
    await mail('bob@relay.test', 'spam');
    morning();
    const [link = ''] = await linksIn(await arrived(1));
    const answers = await Promise.all([1, 2, 3, 4].map(() => confirm(link)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 410)).toEqual([]);
    await arrived(2);
    await gateway!.stop();
    gateway = undefined;
    expect(next.messages).toHaveLength(2);
  });

  test('with malware is counted without a link, and no token releases it', async () => {
    await mail('bob@relay.test', 'spam');
    await mail('bob@relay.test', 'malware');
    morning();
    const digest = await arrived(1);
    expect(await linksIn(digest)).toHaveLength(1);
    expect((await simpleParser(digest)).text).toContain(
      'One other was held that you cannot release yourself (1 malware)',
    );
    const bad = (await held()).find((item) => item.class === 'malware')!;
    const [key] = digestKeys(join(folder, 'store')).accepted(clock.now());
    const path = `/release/${signRight(bad.id, 'bob@relay.test', clock.now() + hours(1), key!)}`;
    expect((await ask('GET', path)).status).toBe(403);
    expect((await confirm(path)).status).toBe(403);
    expect(await held()).toHaveLength(2);
  });

  test('is told once over a restart, and again to nobody in the next round', async () => {
    await mail('bob@relay.test', 'spam');
    await gateway!.stop();
    // Down at seven: the round is made up for.
    clock = new MovableClock(MORNING + hours(1));
    await start();
    const [link = ''] = await linksIn(await arrived(1));
    await gateway!.stop();
    await start();
    await mail('carol@relay.test', 'spam');
    clock.moveTo(MORNING + days(1) + 1);
    expect((await simpleParser(await arrived(2))).text).toContain('<carol@relay.test>');
    // Another process, the same keys.
    expect((await confirm(link)).status).toBe(200);
    await arrived(3);
    expect(next.messages).toHaveLength(3);
  });

  test('is told though the clock was a year ahead when others were told', async () => {
    await mail('carol@relay.test', 'spam');
    clock.moveTo(NIGHT + days(365));
    await arrived(1);
    await gateway!.stop();
    clock = new MovableClock(NIGHT);
    await start();
    const store = await openStore(join(folder, 'store'), { mode: 'visit' });
    await expect.poll(() => store.digests.lastRound()).toBeLessThan(MORNING);
    await store.close();
    await mail('bob@relay.test', 'spam');
    morning();
    expect((await simpleParser(await arrived(2))).text).toContain('<bob@relay.test>');
  });

  test('for somebody the directory does not know any more is told to nobody', async () => {
    await mail('bob@relay.test', 'spam');
    await mail('carol@relay.test', 'spam');
    const config = join(folder, 'postern.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('[bob, carol]', '[carol]'));
    expect(await gateway!.reload()).toEqual([]);
    morning();
    await arrived(1);
    await gateway!.stop();
    gateway = undefined;
    expect(next.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
      'RCPT TO:<carol@relay.test> NOTIFY=NEVER',
    ]);
  });
});

describe('a link', () => {
  test('that is over, altered, another’s, or never was, is answered with one and the same page', async () => {
    await mail('bob@relay.test', 'spam');
    morning();
    const [link = ''] = await linksIn(await arrived(1));
    const [item] = await held();
    const [key] = digestKeys(join(folder, 'store')).accepted(clock.now());
    const [, id, number, until, whose, mac] = /release\/(.+)\.(.+)\.(.+)\.(.+)\.(.+)$/.exec(link)!;
    const paths = [
      `/release/${signRight(item!.id, 'bob@relay.test', clock.now() - 1, key!)}`,
      `/release/${signRight(item!.id, 'carol@relay.test', clock.now() + hours(1), key!)}`,
      `/release/${signRight(item!.id, 'bob@relay.test', clock.now() + hours(1), Buffer.alloc(32))}`,
      `/release/${id}.${number}.${until}z.${whose}.${mac}`,
      `/release/${id}.${Number(number) + 1}.${until}.${whose}.${mac}`,
      `${link.slice(0, -1)}${link.endsWith('A') ? 'Q' : 'A'}`,
      '/release/x',
      `/release/${'x'.repeat(500)}`,
    ];
    const answers = [];
    for (const path of paths) answers.push(await ask('GET', path), await confirm(path));
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([404]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect((await ask('GET', link)).status).toBe(200);
    clock.moveTo(MORNING + days(8));
    expect((await confirm(link)).status).toBe(404);
    expect(await held()).toHaveLength(1);
  });

  test('is the only path there is, and few are guessed in a minute', async () => {
    for (const path of ['/', '/release', '/release/', '/release/a/b', '/favicon.ico', '/%2e%2e/store'])
      expect((await ask('GET', path)).status).toBe(404);
    expect((await ask('DELETE', '/release/x')).status).toBe(404);
    const from = (client: string) => ask('GET', '/release/x', '', { 'x-forwarded-for': `203.0.113.9, ${client}` });
    let last = 0;
    for (let n = 0; n < 61; n++) last = (await from('198.51.100.7')).status;
    expect(last).toBe(429);
    expect((await from('198.51.100.8')).status).toBe(404);
  });
});

test('hostile text is harmless in the mail and on the page', async () => {
  const subject =
    '=?utf-8?B?' +
    Buffer.from('<script>x</script> \u001b[31m\r\nBcc: x \u202Etxt https://evil.example/a?b "&').toString('base64') +
    '?=';
  await mail('bob@relay.test', 'spam', `Subject: ${subject}\r\nFrom: "www.bank.example <b>" <a@evil.example>`);
  morning();
  const digest = await arrived(1);
  const parsed = await simpleParser(digest, { skipTextLinks: true });
  expect(parsed.headers.has('bcc')).toBe(false);
  const [link = ''] = await linksIn(digest);
  const page = await ask('GET', link);
  for (const text of [parsed.text!, String(parsed.html), page.body]) {
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u202e]/);
    expect(text).not.toMatch(/evil\.example|bank\.example|https:\/\/evil/);
    expect(text).toContain('https[:]//evil[.]example/a?b');
  }
  for (const html of [String(parsed.html), page.body]) {
    expect(html).not.toContain('<script>');
    expect(html).toContain('&#60;script&#62;x&#60;/script&#62;');
  }
  expect([...String(parsed.html).matchAll(/href="([^"]*)"/g)].map((match) => match[1])).toEqual([
    `https://held.relay.test/q${link}`,
  ]);
});

test('the key is its owner’s alone, and one that others may read starts nothing', async () => {
  await mail('bob@relay.test', 'spam');
  morning();
  await arrived(1);
  const file = join(folder, 'store/digest-keys.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await gateway!.stop();
  gateway = undefined;
  const { chmodSync } = await import('node:fs');
  chmodSync(file, 0o644);
  await expect(start()).rejects.toThrow(/others may read it\n.*chmod o=/);
});
