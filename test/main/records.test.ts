/** Where records go: the store and a file of JSON lines, and what of a subject may stand there. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { startGateway } from '../../src/main/serve.ts';
import { speak } from '../support/speak.ts';

const SECRET = 'Our merger with Example Ltd';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'records-'));
  mkdirSync(join(folder, 'policies'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Takes a message, refuses another, and answers what was kept of it. */
async function kept(subject: string, policy: string) {
  writeFileSync(join(folder, 'policies/p.yaml'), policy);
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p } }
domains: { files.test: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
store: { path: store }
records: { subject: ${subject}, jsonl: { path: log/records.jsonl } }
`,
  );
  const gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  const say = (to: string) =>
    speak(gateway.addresses.mx!, [
      'EHLO client.test',
      'MAIL FROM:<a@sender.test>',
      `RCPT TO:<${to}>`,
      'DATA',
      `Subject: ${SECRET}\r\n\r\nBody.\r\n.`,
      'QUIT',
    ]);
  await say('bob@files.test');
  await speak(gateway.addresses.mx!, [
    'EHLO client.test',
    'MAIL FROM:<a@sender.test>',
    'RCPT TO:<a@other.test>',
    'QUIT',
  ]);
  await gateway.stop();
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  const records = await store.records.search({});
  await store.close();
  const text = readFileSync(join(folder, 'log/records.jsonl'), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { records, text, lines };
}
const READS = `policy: p
rules:
  data: [{ name: shouting, when: "header('subject') == 'LOUD'", note: "loud" }]
`;

test('every record is a line of JSON with its rules by name, and so is what happened later', async () => {
  const { records, lines } = await kept('full', READS);
  const [taken, relay] = ['queued', 'refused'].map((outcome) =>
    lines.find(({ recipients }) => recipients?.[0]?.outcome === outcome),
  );
  expect(taken).toMatchObject({ message: { subject: SECRET }, recipients: [{ rules: [{ rule: 'shouting' }] }] });
  expect(relay).toMatchObject({ recipients: [{ reason: 'builtin:relay-denied' }] });
  expect(lines).toContainEqual({ id: taken.id, event: expect.objectContaining({ kind: 'delivered', recipient: 1 }) });
  expect(records.map(({ id }) => id).sort()).toEqual([taken.id, relay.id].sort());
});

test.each(['hash', 'off'])('with `subject: %s` it stands nowhere', async (subject) => {
  const { records, text } = await kept(subject, READS);
  expect(text).not.toContain('merger');
  expect(JSON.stringify(records)).not.toContain('merger');
  const taken = records.find(({ message }) => message !== null)!;
  const hash = createHash('sha256').update(SECRET).digest('hex');
  expect(taken).toMatchObject({ hidden: 'subject', message: { subject: subject === 'hash' ? hash : '' } });
});
