/** Signals to a real process: what is in hand at SIGTERM, who does not want to wait, and files that were moved away. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { Line } from '../support/letter-clients.ts';
import { openStore } from '../support/store-folder.ts';

const ROUTE = [
  'domains: { mail.test: { route: files, recipients: any } }',
  'routes: { files: { protocol: maildir, path: mail } }',
];

/** A session that has said EHLO. */
async function session(port: number): Promise<Line> {
  const line = new Line(port);
  onTestFinished(() => line.close());
  await line.replies(1);
  await line.say('EHLO client.test\r\n', 1);
  return line;
}

/** A session in the midst of its message. */
async function inData(port: number): Promise<Line> {
  const line = await session(port);
  await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\n', 3);
  await line.say('Subject: half\r\n\r\nthe first half\r\n', 0);
  return line;
}

test('SIGTERM: a session at rest hears 421, a message in hand is finished and promised, and the status is 0', async () => {
  const at = installationFolder(ROUTE);
  const gateway = new GatewayProcess(at.config);
  const port = await gateway.port();
  const [resting, busy] = [await session(port), await inData(port)];
  const farewell = resting.replies(1);
  gateway.signal('SIGTERM');
  expect(await farewell).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
  const [promised] = await busy.say('the second half\r\n.\r\n', 1);
  expect(promised).toMatch(/^250 2\.0\.0 queued as \w{13}/);
  expect(await gateway.ended).toMatchObject({ code: 0 });

  const id = /queued as (\w{13})/.exec(promised!)![1]!;
  const store = await openStore(at.store);
  const [recipient] = (await store.records.get(id))!.record.recipients;
  expect(recipient).toMatchObject({ verdict: 'accept' });
  await store.close();
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'SIGTERM and then %s: it ends at once, whatever is in hand',
  async (second) => {
    const at = installationFolder(ROUTE);
    const gateway = new GatewayProcess(at.config);
    const port = await gateway.port();
    const [resting] = [await session(port), await inData(port)];
    const farewell = resting.replies(1);
    gateway.signal('SIGTERM');
    await farewell;
    gateway.signal(second);
    expect(await gateway.ended).toMatchObject({ code: second === 'SIGTERM' ? 143 : 130 });
    // Nothing was promised, and the next one finds a store in order.
    await (await openStore(at.store)).close();
  },
);

test('SIGHUP after records.jsonl was moved away: the next record begins a new one, also when the reload is refused', async () => {
  const at = installationFolder([...ROUTE, 'records: { jsonl: { path: records.jsonl } }']);
  const file = join(at.folder, 'records.jsonl');
  const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
  const gateway = new GatewayProcess(at.config);
  const port = await gateway.port();
  const refused = async () => {
    const line = await session(port);
    await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<who@elsewhere.test>\r\nQUIT\r\n', 3);
  };
  await refused();
  await expect.poll(() => lines(file), { timeout: 10_000 }).toBe(1);
  renameSync(file, `${file}.1`);
  at.write('policies/inbound.yaml', 'policy: [');
  gateway.signal('SIGHUP');
  await gateway.heard('reload.refused');
  await refused();
  await expect.poll(() => lines(file), { timeout: 10_000 }).toBe(1);
  expect(lines(`${file}.1`)).toBe(1);
  gateway.signal('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0 });
});
