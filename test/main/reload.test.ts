/** What a reload puts in force, and what it leaves as it was. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { speak } from '../support/speak.ts';

let folder = '';
let gateway: Gateway;
let said: string[] = [];
let heard = new Map<string, () => void>();
const note = (name: string, data?: object) => {
  said.push(`${name} ${JSON.stringify(data)}`);
  heard.get(name)?.();
};
const hears = (name: string) => new Promise<void>((resolve) => heard.set(name, resolve));

/** Written aside and renamed, as careful programs do. */
function write(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}
const policy = (word: string) => `policy: p
lists: { bad: { kind: domain, file: bad.txt } }
rules:
  mail: [{ name: listed, when: "mail.domain in lists.bad", reject: { code: 550, enhanced: 5.7.1, text: "${word}" } }]
`;
const yaml = (more = '') => `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p } }
domains: { files.test: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
store: { path: store }
${more}`;

beforeEach(async () => {
  said = [];
  heard = new Map();
  folder = mkdtempSync(join(tmpdir(), 'reload-'));
  mkdirSync(join(folder, 'policies'));
  write('policies/p.yaml', policy('first'));
  write('policies/bad.txt', 'bad.test\n');
  write('postern.yaml', yaml());
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: note, warn: note, error: note } });
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const mailFrom = (domain: string) =>
  speak(gateway.addresses.mx!, ['EHLO client.test', `MAIL FROM:<a@${domain}>`, 'QUIT']);

describe('a reload', () => {
  test('puts a policy in force when all of it loads, and its bundle is kept before a record names it', async () => {
    write('policies/p.yaml', policy('second'));
    expect(await gateway.reload()).toEqual([]);
    expect(await mailFrom('bad.test')).toContain('second');
    await gateway.stop();
    const path = join(folder, 'store');
    const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
    const [record] = await store.records.search({});
    expect((await store.records.getBundle(record!.bundle))?.files[0]?.text).toContain('second');
    await store.close();
  });

  test('with a broken policy leaves the running one in force, and says so', async () => {
    write('policies/p.yaml', policy('second').replace('mail.domain', 'mail.domian'));
    const wrong = await gateway.reload();
    expect(wrong.map(({ message }) => message).join()).toContain('domian');
    expect(said.filter((line) => line.startsWith('reload.refused'))).toEqual([expect.stringContaining('domian')]);
    expect(await mailFrom('bad.test')).toContain('first');
  });

  test('that would need other sockets is refused by name', async () => {
    write('postern.yaml', yaml('limits: { recipients: 7 }\n'));
    expect((await gateway.reload()).map(({ message }) => message)).toEqual([
      '`limits` changed, which a running gateway cannot take over',
    ]);
  });
});

describe('a list that changes on disk', () => {
  test('is in force by itself, and takes nothing else along', async () => {
    write('policies/p.yaml', policy('not yet reviewed'));
    const reloaded = hears('lists.reloaded');
    write('policies/bad.txt', 'worse.test\n');
    await reloaded;
    expect(await mailFrom('bad.test')).toMatch(/^250/);
    expect(await mailFrom('worse.test')).toContain('first');
  });

  test('is in force at once when asked for', async () => {
    write('policies/bad.txt', 'worse.test\n');
    expect(await gateway.reloadLists()).toEqual([]);
    expect(await mailFrom('worse.test')).toContain('first');
  });

  test('that is broken or gone leaves the last good one, and says so', async () => {
    rmSync(join(folder, 'policies/bad.txt'));
    expect((await gateway.reloadLists()).map(({ message }) => message)).toEqual([
      expect.stringContaining('there is no file'),
    ]);
    expect(said.some((line) => line.startsWith('lists.refused'))).toBe(true);
    expect(await mailFrom('bad.test')).toContain('first');
  });
});
