/** A blocklist's zone with a key in its name: the list is asked with it, and the key stands nowhere else. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { digest } from '../../src/main/configure.ts';
import { policyFromBundle } from '../../src/policy/load-policy.ts';
import { rerun } from '../../src/record/rerun.ts';
import { type ScriptedDns, scriptedDns } from '../support/dns-server.ts';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';
import { openStore } from '../support/store-folder.ts';

const KEY = 'q7w3planted9key5zz';
const ZONE = `${KEY}.zen.dq.test`;
const SHOWN = 'key.zen.dq.test';
const POLICY = `policy: inbound
checks:
  connect:
    - dnsbl: { lists: { zen: { zone_file: ../secrets/zen, shown_as: ${SHOWN}, codes: { "127.0.0.2": 4 }, lookup_url: "https://check.test/{client.ip}" } } }
rules:
  rcpt:
    - { name: listed, when: "dnsbl.score > 0 && recipient.local == 'bob'", reject: { code: 554, enhanced: 5.7.1, text: "on {dnsbl.listed_by}" } }
    - { name: not-asked, when: "dnsbl.status == 'failed'", note: "{dnsbl.failed}" }
`;

/** A list in good health that holds the client the tests come from. */
async function blocklist(): Promise<ScriptedDns> {
  const held = new Set([`2.0.0.127.${ZONE}`, `9.0.0.127.${ZONE}`]);
  const dns = await scriptedDns(({ name }) =>
    held.has(name.toLowerCase())
      ? { answers: [{ name, type: 'A', ttl: 60, data: '127.0.0.2' }] }
      : { rcode: 'NXDOMAIN' },
  );
  onTestFinished(() => dns.close());
  return dns;
}

function folderFor(dns: string, secret: string | undefined, policy = POLICY, mode = 0o600) {
  const at = installationFolder(
    [
      'domains: { files.test: { route: files, recipients: any } }',
      'routes: { files: { protocol: maildir, path: mail } }',
      `dns: { servers: ["${dns}"], timeout: 2s }`,
      'records: { jsonl: { path: log/records.jsonl } }',
      'log: { level: debug }',
    ],
    { inbound: policy },
  );
  mkdirSync(join(at.folder, 'secrets'));
  if (secret !== undefined) {
    writeFileSync(join(at.folder, 'secrets/zen'), secret);
    chmodSync(join(at.folder, 'secrets/zen'), mode);
  }
  return at;
}

/** Every octet below a folder, but for the file of the secret itself. */
function everything(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== join(folder, 'secrets'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('the list is asked with the key, and no file, log, record or command shows it', async () => {
  const dns = await blocklist();
  const at = folderFor(dns.server, `${ZONE}\n`);
  const gateway = new GatewayProcess(at.config);
  const port = await gateway.port();
  const letter = (to: string) => [
    'EHLO c.test',
    'MAIL FROM:<a@c.test>',
    `RCPT TO:<${to}>`,
    'DATA',
    'Subject: x\r\n\r\nHi.\r\n.',
    'QUIT',
  ];
  expect(await speak(`127.0.0.1:${port}`, letter('ann@files.test'))).toMatch(/^250 /);
  // The client is a test point itself: it is asked about once.
  expect(dns.asked.map(({ name }) => name).sort()).toEqual([`1.0.0.127.${ZONE}`, `2.0.0.127.${ZONE}`]);

  const log = await postern('log', '--json', '--config', at.config);
  const [record] = log.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string });
  const said = [
    log,
    await postern('trace', record!.id, '--json', '--config', at.config),
    await postern('trace', record!.id, '--config', at.config),
    await postern('explain', '--client-ip', '127.0.0.9', '--rcpt', 'bob@files.test', '--json', '--config', at.config),
    await postern('explain', '--client-ip', '127.0.0.9', '--rcpt', 'bob@files.test', '--config', at.config),
    await postern('check', '--lint', '--json', '--config', at.config),
  ];
  gateway.signal('SIGTERM');
  const { err } = await gateway.ended;

  expect(said.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(JSON.parse(said[1]!.out).dns.map(({ name }: { name: string }) => name)).toContain(`2.0.0.127.${SHOWN}`);
  // It asks the network as the gateway does, key and all.
  expect(JSON.parse(said[3]!.out)).toMatchObject({
    facts: { dnsbl: { score: 4, listed_by: ['zen'] } },
    recipients: [{ verdict: 'reject', rule: 'listed' }],
  });
  for (const { out, err } of said) expect(`${out}${err}`.toLowerCase()).not.toContain(KEY);
  expect(err.toLowerCase()).not.toContain(KEY);

  // The rules run again over the record without the key.
  rmSync(join(at.folder, 'secrets'), { recursive: true });
  const store = await openStore(at.store, { mode: 'visit' });
  const stored = (await store.records.get(record!.id))!.record;
  const policy = policyFromBundle((await store.records.getBundle(stored.bundle))!, CHECKS, digest);
  expect(rerun(stored, policy)).toMatchObject({ exact: true, recipients: [{ verdict: 'accept' }] });
  await store.close();

  const kept = everything(at.folder).toLowerCase();
  expect(kept).toContain(SHOWN);
  expect(kept).not.toContain(KEY);
});

test('a list that does not answer fails under the name that is shown', async () => {
  const dns = await scriptedDns(() => ({ rcode: 'REFUSED' }));
  onTestFinished(() => dns.close());
  const at = folderFor(dns.server, ZONE);
  const { out, err } = await postern('explain', '--client-ip', '127.0.0.9', '--json', '--config', at.config);
  expect(JSON.parse(out)).toMatchObject({ facts: { dnsbl: { failed: ['zen'] } }, dns: [{ rcode: 'REFUSED' }, {}, {}] });
  expect(`${out}${err}`).not.toContain(KEY);
});

test('zone files of tests answer under the name that is shown, without the file of the secret', async () => {
  const at = folderFor('127.0.0.1:1', undefined);
  at.write('zones.yaml', `"2.0.0.127.${SHOWN}": [{ A: 127.0.0.2 }]\n"9.0.0.127.${SHOWN}": [{ A: 127.0.0.2 }]\n`);
  const { code, out } = await postern(
    'explain',
    '--client-ip',
    '127.0.0.9',
    '--dns',
    join(at.folder, 'zones.yaml'),
    '--json',
    '--config',
    at.config,
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ facts: { dnsbl: { score: 4 } } });
});

test.each<[string, string | undefined, number, RegExp]>([
  ['is not there', undefined, 0o600, /there is no such file/],
  ['may be read by others', ZONE, 0o644, /others may read it.*chmod o=/s],
  ['holds no zone', 'two words\n', 0o600, /does not hold a zone/],
  ['holds the name that is shown', SHOWN, 0o600, /shown_as` holds a part of the key/],
])(
  'a file that %s is an error with its place, which `check --no-secrets` does not see',
  async (_, secret, mode, said) => {
    const at = folderFor('127.0.0.1:1', secret, POLICY, mode);
    const strict = await postern('check', '--config', at.config);
    expect(strict.code).toBe(1);
    expect(strict.out).toMatch(said);
    expect(strict.out).toMatch(/inbound\.yaml:4:\d+: error/);
    expect(strict.out).not.toContain(KEY);
    expect((await postern('check', '--no-secrets', '--config', at.config)).code).toBe(0);
  },
);
