/** What rules change, over the real gateway to real next hops: octets are compared as they arrive. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { release } from '../../src/gateway/quarantine/release.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { recordView } from '../../src/record/view.ts';
import { sound } from '../support/gateway.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';

let folder = '';
let gateway: Gateway | undefined;
let ours: ScriptedHost;
let away: ScriptedHost;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'changes-'));
  mkdirSync(join(folder, 'policies'));
  [ours, away] = [await ScriptedHost.start(), await ScriptedHost.start()];
});
afterEach(async () => {
  await gateway?.stop();
  await Promise.all([ours.stop(), away.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const portOf = ({ address }: ScriptedHost): number => (address.kind === 'tcp' ? address.port : 0);

async function serve(rules: string): Promise<void> {
  writeFileSync(
    join(folder, 'policies/p.yaml'),
    `policy: p\nlists:\n  blocked: { kind: word, values: [exe, js] }\nrules:\n  data:\n${rules}`,
  );
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners:
  mx: { address: "127.0.0.1:0", policy: p }
domains: { relay.test: { route: ours, recipients: any } }
routes:
  ours: { hosts: ["127.0.0.1:${portOf(ours)}"], tls: none }
  away: { hosts: ["127.0.0.1:${portOf(away)}"], tls: none }
default_route: away
store: { path: store }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
}

const send = (message: string, rcpt: readonly string[] = ['bob@relay.test']) =>
  speak(gateway!.addresses.mx!, [
    'EHLO client.test',
    'MAIL FROM:<alice@sender.test>',
    ...rcpt.map((one) => `RCPT TO:<${one}>`),
    'DATA',
    `${message}.`,
    'QUIT',
  ]);

/** What the host was sent, as soon as it was sent so much, from the first field that is not ours. */
async function got(host: ScriptedHost, count = 1): Promise<readonly string[]> {
  while (host.messages.length < count) await new Promise((again) => setImmediate(again));
  return host.messages.map((message) => {
    expect(message).toMatch(/^(?:X-[^\n]*\r\n|Subject: [^\n]*\r\n)*Received: /);
    return message.replace(
      /Received: (?:[^\n]*\n[ \t])*[^\n]*\n(?:Authentication-Results: (?:[^\n]*\n[ \t])*[^\n]*\n)?/,
      '',
    );
  });
}

async function kept() {
  await gateway?.stop();
  gateway = undefined;
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  try {
    const items = await store.queue.quarantined({});
    const [record] = await store.records.search({});
    return { items, record: record!, recipients: recordView(record!, [], undefined).recipients };
  } finally {
    await store.close();
  }
}

const PLAIN = 'From: alice@sender.test\r\nX-Spam-Flag: NO\r\nSubject: hello\r\nx-spam-flag: MAYBE\r\n\r\nBody.\r\n';

test('fields are taken off, a tag stands before the subject, and nothing else is another', async () => {
  await serve(`    - { name: off, remove_header: X-Spam-Flag }
    - { name: tag, tag_subject: "[SPAM]" }
    - { name: again, tag_subject: "[SPAM]" }
    - { name: quietly, mode: monitor, tag_subject: "[NEVER]" }
`);
  expect(await send(PLAIN)).toMatch(/^250 /);
  expect(await got(ours)).toEqual(['From: alice@sender.test\r\nSubject: [SPAM] hello\r\n\r\nBody.\r\n']);
  const { recipients } = await kept();
  expect(recipients).toMatchObject([{ removed_headers: ['X-Spam-Flag'], subject_tags: ['[SPAM]', '[SPAM]'] }]);
  expect(recipients[0]!.rules.at(-1)).toMatchObject({ came: 'would' });
});

test('a message that is discarded is answered 250, goes nowhere, and is on record', async () => {
  await serve(`    - { name: gone, discard: { reason: "backscatter for {recipient.address}" } }\n`);
  expect(await send(PLAIN)).toMatch(/^250 /);
  const { items, record } = await kept();
  expect(items).toEqual([]);
  expect(record.recipients).toMatchObject([
    { verdict: 'discard', outcome: 'discarded', why: 'backscatter for bob@relay.test' },
  ]);
  expect([ours.messages, away.messages]).toEqual([[], []]);
});

test('the last redirect counts, and leads by the route of its own domain', async () => {
  await serve(`    - { name: one, redirect: eve@relay.test }
    - { name: two, redirect: team@elsewhere.test }
`);
  expect(await send(PLAIN)).toMatch(/^250 /);
  expect(await got(away)).toEqual([PLAIN]);
  expect(away.commands).toContainEqual(
    expect.stringMatching(/^RCPT TO:<team@elsewhere\.test> .*ORCPT=rfc822;bob@relay\.test/),
  );
  expect(ours.messages).toEqual([]);
  const { recipients } = await kept();
  expect(recipients).toMatchObject([
    { address: 'bob@relay.test', redirect: { address: 'team@elsewhere.test', by: 'rule:two' } },
  ]);
});

test('a copy goes besides, once for all recipients, and its failure is none of the sender’s business', async () => {
  await serve(`    - { name: copy, bcc: archive@elsewhere.test }\n`);
  expect(await send(PLAIN, ['bob@relay.test', 'carol@relay.test'])).toMatch(/^250 /);
  expect(await got(away)).toEqual([PLAIN]);
  expect(await got(ours)).toEqual([PLAIN]);
  expect(away.commands.filter((one) => /^(?:MAIL|RCPT)/.test(one))).toEqual([
    expect.stringMatching(/^MAIL FROM:<>/),
    expect.stringMatching(/^RCPT TO:<archive@elsewhere\.test> .*NOTIFY=NEVER/),
  ]);
  const { recipients } = await kept();
  expect(recipients.map(({ copies }) => copies)).toEqual([
    [{ number: 3, address: 'archive@elsewhere.test', kind: 'bcc', by: 'rule:copy' }],
    undefined,
  ]);
});

const NAME = 'evil\u202Etxt.exe';
const MIXED = [
  'From: alice@sender.test',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  '--x',
  'Content-Type: text/plain',
  '',
  'Read this.',
  '--x',
  `Content-Type: application/octet-stream; name="=?utf-8?B?${Buffer.from(NAME).toString('base64')}?="`,
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment',
  '',
  'TVqQAAMAAAAEAAAA',
  '--x',
  'Content-Type: application/pdf; name=good.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'JVBERi0xLjQK',
  '--x--',
  '',
].join('\r\n');

test('an attachment that is blocked is replaced by a note, the rest stays as it was, and the original is kept', async () => {
  await serve(
    `    - { name: no-programs, strip_attachments: { extensions: lists.blocked, note: "Ask the helpdesk of {recipient.domain}." } }\n`,
  );
  expect(await send(MIXED)).toMatch(/^250 /);
  const [message = ''] = await got(ours);
  const from = MIXED.indexOf('Content-Type: application/octet-stream');
  const to = MIXED.indexOf('\r\n--x\r\nContent-Type: application/pdf');
  expect(message.startsWith(MIXED.slice(0, from))).toBe(true);
  expect(message.endsWith(MIXED.slice(to))).toBe(true);
  const { attachments, text = '' } = await simpleParser(message);
  expect(attachments.map(({ filename }) => filename)).toEqual(['good.pdf']);
  expect(text).toContain('Ask the helpdesk of relay.test.');
  expect(text).toMatch(/Size: +12 octets/);
  expect(text).toContain('no-programs');
  expect(text).toContain('postmaster@relay.test');
  expect(text).not.toContain('\u202E');
  const { items, record } = await kept();
  expect(text).toContain(record.id);
  expect(items).toMatchObject([
    {
      id: `${record.id}.2`,
      class: 'attachment',
      rule: 'no-programs',
      entry: { recipient: 'bob@relay.test', edits: [] },
    },
  ]);
  expect(record.recipients).toMatchObject([
    {
      removed: [{ part: '2', type: 'application/octet-stream', size: 12, by: 'rule:no-programs' }],
      copies: [{ number: 2, kind: 'original' }],
    },
  ]);
});

test('a message that is an attachment itself becomes a text, and keep: false keeps nothing', async () => {
  await serve(`    - { name: all, strip_attachments: { keep: false } }\n`);
  const header = 'From: alice@sender.test\r\nSubject: x\r\n';
  const own = 'MIME-Version: 1.0\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n';
  expect(await send(`${header}${own}\r\nUEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==\r\n`)).toMatch(/^250 /);
  while (ours.messages.length === 0) await new Promise((again) => setImmediate(again));
  expect(ours.messages[0]).toContain('\r\nFrom: alice@sender.test\r\nSubject: x\r\n');
  const { attachments, text } = await simpleParser(ours.messages[0]!);
  expect(attachments).toEqual([]);
  expect(text).toMatch(/a\.zip/);
  expect(ours.messages[0]).not.toContain('UEsF');
  expect((await kept()).items).toEqual([]);
});

test('what cannot be read whole is kept aside instead of delivered with what it may hold', async () => {
  await serve(`    - { name: all, strip_attachments: {} }\n`);
  const uuencoded = `${PLAIN}begin 644 evil.exe\r\n#0V%T\r\n\`\r\nend\r\n`;
  expect(await send(uuencoded)).toMatch(/^250 /);
  const { items, record } = await kept();
  expect(items).toMatchObject([
    { class: 'attachment', rule: 'all', reason: expect.stringContaining('may hold a file') },
  ]);
  expect(record.recipients).toMatchObject([{ outcome: 'quarantined' }]);
  expect(ours.messages).toEqual([]);
});

test('what is kept aside already stays so in its class when it cannot be changed, and is not copied', async () => {
  await serve(`    - { name: copy, bcc: archive@away.test }
    - { name: all, strip_attachments: {} }
    - { name: bad, quarantine: { class: malware, reason: looks like it } }
`);
  expect(await send(`${PLAIN}begin 644 evil.exe\r\n#0V%T\r\n\`\r\nend\r\n`)).toMatch(/^250 /);
  const { items, record } = await kept();
  expect(items).toMatchObject([
    { class: 'malware', reason: expect.stringContaining('looks like it; attachments cannot') },
  ]);
  expect(record.recipients).toMatchObject([{ outcome: 'quarantined' }]);
  expect(record.recipients[0]).not.toHaveProperty('copies');
});

test('what is released is what would have been delivered, changes and all', async () => {
  await serve(`    - { name: tag, tag_subject: "[SPAM]" }
    - { name: strip, strip_attachments: { keep: false } }
    - { name: aside, quarantine: { class: spam, reason: looks like it } }
`);
  expect(await send(MIXED)).toMatch(/^250 /);
  const { items } = await kept();
  expect(items).toMatchObject([{ class: 'spam' }]);
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  const came = await release(
    {
      queue: store.queue,
      records: store.records,
      scanner: undefined,
      clock: { now: Date.now },
      installation: sound(join(folder, 'postern.yaml')).installation,
    },
    { who: { role: 'recipient', name: 'bob@relay.test' }, items, why: '' },
    new AbortController().signal,
  );
  await store.close();
  expect(came).toMatchObject([{ came: { kind: 'released' } }]);
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  const [message = ''] = await got(ours);
  expect(message).toMatch(/^Subject: \[SPAM\]\r\nFrom: /);
  const { attachments, text } = await simpleParser(message);
  expect(attachments).toEqual([]);
  expect(text).toMatch(/good\.pdf/);
});
