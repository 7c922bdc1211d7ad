/** The same mailbox named by several RCPT of one transaction: each is answered and on record, one copy is made. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { resolverOver, sound, type TestGateway, testGateway } from '../support/gateway.ts';
import { speak } from '../support/speak.ts';
import { temporaryFolder } from '../support/store-folder.ts';

let gateway: TestGateway | undefined;
afterEach(() => gateway?.stop());

/** What comes of a message to these, as `RCPT TO:` writes them. */
async function sent(rules: string, recipients: readonly string[], from = 'ann@example.com') {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/p.yaml'), `policy: p\n${rules}`);
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p, mixed: dsn_if_verified, xclient_from: [127.0.0.1/32] } }
domains: { example.com: { route: store, recipients: any, aliases: { inline: { team: [bob, carol] } } } }
routes: { store: { hosts: ["127.0.0.1:1"] } }
default_route: store
store: { path: store }
`,
  );
  gateway = await testGateway(sound(join(folder, 'postern.yaml')), resolverOver({}), undefined, { dsn: true });
  const answers: string[] = [];
  const opening = ['EHLO up.test', 'XCLIENT ADDR=192.0.2.1 LOGIN=ann', 'EHLO ann.test', `MAIL FROM:<${from}>`];
  const named = recipients.map((one) => `RCPT TO:${one}`);
  const message = `From: ann@example.com\r\nSubject: x\r\n\r\nBody.\r\n.`;
  const last = await speak(`127.0.0.1:${gateway.port}`, [...opening, ...named, 'DATA', message, 'QUIT'], answers);
  const [admitted] = gateway.admissions;
  return {
    last,
    answers: answers.filter((_, n) => n > opening.length && n <= opening.length + named.length),
    entries: admitted?.entries ?? [],
    quarantine: admitted?.quarantine ?? [],
    told: (admitted?.events ?? []).map(({ kind, recipient }) => `${kind} ${recipient}`),
    recipients: (admitted?.record.recipients ?? []).map(({ address, verdict, outcome, why }) => ({
      ...{ address, verdict, outcome, why },
    })),
  };
}

test('twenty times the same is one copy, each answered and on record', async () => {
  const came = await sent('', Array(20).fill('<bob@example.com>'));
  expect(came.last).toMatch(/^250 /);
  expect(came.answers).toEqual(Array(20).fill(expect.stringMatching(/^250 2\.1\.5 /)));
  expect(came.entries.map(({ id, recipient }) => [id.split('.')[1], recipient])).toEqual([['1', 'bob@example.com']]);
  expect(came.recipients).toHaveLength(20);
  expect(came.recipients[0]).toMatchObject({ verdict: 'accept', outcome: 'queued', why: '' });
  for (const again of came.recipients.slice(1))
    expect(again).toEqual({
      address: 'bob@example.com',
      verdict: 'accept',
      outcome: 'duplicate',
      why: 'the same mailbox as recipient 1: one copy goes to it',
    });
});

test.each<[string, readonly string[], readonly string[]]>([
  ['a domain in capitals', ['<bob@example.com>', '<bob@EXAMPLE.com>'], ['bob@example.com']],
  ['a name of ours in capitals', ['<bob@example.com>', '<BOB@example.com>'], ['bob@example.com']],
  ['quotes it need not have', ['<bob@far.test>', '<"bob"@far.test>'], ['bob@far.test']],
  ['a source route', ['<bob@far.test>', '<@a.test:bob@far.test>'], ['bob@far.test']],
  ['others between', ['<a@far.test>', '<b@far.test>', '<a@far.test>'], ['a@far.test', 'b@far.test']],
  ['an alias', ['<team@example.com>', '<team@example.com>'], ['bob@example.com', 'carol@example.com']],
])('is the same: %s', async (_, recipients, copies) => {
  expect((await sent('', recipients)).entries.map(({ recipient }) => recipient)).toEqual(copies);
});

test.each<[string, readonly string[]]>([
  ['a name of others in capitals, of which they alone know', ['<bob@far.test>', '<BOB@far.test>']],
  ['a tag', ['<bob@example.com>', '<bob+list@example.com>']],
])('is another: %s', async (_, recipients) => {
  expect((await sent('', recipients)).entries).toHaveLength(2);
});

test('the wishes of the first are those of the copy', async () => {
  const wishes = ['<bob@far.test> NOTIFY=SUCCESS ORCPT=rfc822;b@a.test', '<bob@far.test> NOTIFY=NEVER'];
  expect((await sent('', wishes)).entries.map(({ dsn }) => dsn)).toMatchObject([
    { notify: ['SUCCESS'], orcpt: 'rfc822;b@a.test' },
  ]);
});

test('what rules keep aside is kept once', async () => {
  const kept = await sent('rules: { data: [{ name: q, when: "true", quarantine: { class: spam, reason: q } }] }\n', [
    '<bob@example.com>',
    '<bob@example.com>',
  ]);
  expect([kept.quarantine.length, kept.recipients.map(({ outcome }) => outcome)]).toEqual([
    1,
    ['quarantined', 'duplicate'],
  ]);
});

test('what is refused after the others were taken is told once', async () => {
  const rules =
    'rules: { data: [{ name: r, when: "recipient.local == \'bad\'", reject: { code: 550, enhanced: 5.7.1, text: no } }] }\n';
  const came = await sent(rules, ['<bob@example.com>', '<bad@example.com>', '<bad@example.com>']);
  expect(came.recipients.map(({ outcome }) => outcome)).toEqual(['queued', 'bounced', 'duplicate']);
  expect(came.told).toEqual(['bounced 2', 'notified 2']);
});

test('where rules want something else with one of them, it has a copy of its own', async () => {
  const rules = `checks: { rcpt: [rate: { as: many, key: client.ip, limit: 1, window: 1h }] }
rules: { data: [{ name: h, when: many.exceeded, hold: { reason: many } }] }
`;
  const came = await sent(rules, Array(3).fill('<bob@example.com>'));
  expect(came.entries.map(({ state }) => state.kind)).toEqual(['waiting', 'held']);
  expect(came.recipients.map(({ outcome }) => outcome)).toEqual(['queued', 'held', 'duplicate']);
});
