/** `postern serve` as a process: it starts only when all is well, reloads whole, loses nothing when it is told to go. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ArrivalsHost } from '../support/arrivals-host.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { Line, sendLetters } from '../support/letter-clients.ts';
import type { Letter } from '../support/letters.ts';
import { openStore } from '../support/store-folder.ts';

const letter = (n: number): Letter => ({
  mark: `n${n}`,
  recipients: ['bob@mail.test'],
  size: n % 20 === 7 ? 80_000 : 300,
});

async function hop(): Promise<ArrivalsHost> {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  return host;
}
const routed = (host: ArrivalsHost, recipients = 'any') => [
  `domains: { mail.test: { route: store, recipients: ${recipients} } }`,
  `routes: { store: { hosts: ["127.0.0.1:${host.port}"], tls: none } }`,
];

/** A port that is taken: whoever tries to listen on it is told so, and says so. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const at = server.address();
  return typeof at === 'string' ? 0 : at!.port;
}

const sound = 'policy: inbound\nchecks: {}\nrules: {}\n';
const refusing = (text: string) =>
  `policy: inbound\nchecks: {}\nrules:\n  rcpt:\n    - { name: closed, when: "true", reject: { code: 550, enhanced: 5.7.1, text: "${text}" } }\n`;

test.each<[string, { readonly installation?: string; readonly policy?: string }, RegExp]>([
  ['a misspelt key', { installation: 'quue: { expire: 3d }' }, /postern\.yaml:\d+:1.*"?quue"?.*queue/s],
  [
    'a part that has not come yet',
    { installation: 'admin: { address: "127.0.0.1:8025" }' },
    /postern\.yaml:\d+:\d+.*not come yet/s,
  ],
  [
    'a rule that reads what is not there',
    {
      policy: `${sound.replace('rules: {}', 'rules: { rcpt: [{ name: a, when: "spf.result == \'fail\'", accept: {} }] }')}`,
    },
    /inbound\.yaml:3:\d+.*spf/s,
  ],
  ['a policy that is no YAML', { policy: 'policy: [inbound\n' }, /inbound\.yaml:\d+:\d+/],
])('%s stops it before a port is opened', async (_, { installation = '', policy = sound }, said) => {
  const lines = [
    'domains: { mail.test: { route: files, recipients: any } }',
    'routes: { files: { protocol: maildir, path: mail } }',
    installation,
  ];
  const at = installationFolder(lines, { inbound: policy }, { port: await takenPort() });
  const { code, out, err } = await new GatewayProcess(at.config).ended;
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(said);
  expect(err).not.toMatch(/EADDRINUSE|gateway\.started/);
  expect(existsSync(at.store)).toBe(false);
});

test('a port that is taken ends it, and the store is left in order', async () => {
  const at = installationFolder(routed(await hop()), { inbound: sound }, { port: await takenPort() });
  const { code, err } = await new GatewayProcess(at.config).ended;
  expect(code).toBe(1);
  expect(err).toMatch(/^postern: listener mx cannot listen on 127\.0\.0\.1:\d+: .*\(EADDRINUSE\)\n *see which one/m);
  await (await openStore(at.store)).close();
});

test('a second gateway on the same store does not start', async () => {
  const at = installationFolder(routed(await hop()));
  const first = new GatewayProcess(at.config);
  await first.port();
  const { code, err } = await new GatewayProcess(at.config).ended;
  expect(code).not.toBe(0);
  expect(err).toContain(`process ${first.pid} does`);
  first.signal('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });
});

test('SIGTERM under load: what got 250 arrives, once, and nothing else does', async () => {
  const host = await hop();
  const at = installationFolder(routed(host));
  const gateway = new GatewayProcess(at.config);
  const promised: string[] = [];
  let sent = 0;
  let stopping = false;
  await sendLetters({
    connections: 10,
    where: async () => (stopping ? undefined : gateway.port()),
    next: () => letter(++sent),
    promised: (one) => {
      if (promised.push(one.letter.mark) !== 150) return;
      stopping = true;
      gateway.signal('SIGTERM');
    },
    refused: (_, reply) => expect(reply).toMatch(/^(4\d\d 4\.\d\.\d .*)$/),
  });
  expect(await gateway.ended).toMatchObject({ code: 0 });
  expect(promised.length).toBeGreaterThanOrEqual(150);

  const again = new GatewayProcess(at.config);
  await again.port();
  const store = await openStore(at.store, { mode: 'visit' });
  await expect.poll(() => store.queue.count({}), { timeout: 15_000, interval: 50 }).toBe(0);
  await store.close();
  again.signal('SIGTERM');
  expect(await again.ended).toMatchObject({ code: 0 });
  expect(again.log).not.toContain('store.unclean');
  expect(again.log).not.toContain('store.leases.taken_back');
  expect(host.arrivals.map(({ mark }) => mark).sort()).toEqual([...promised].sort());
  expect(host.arrivals.filter(({ whole }) => !whole)).toEqual([]);
});

test('after kill -9 what was in hand goes out again at the next start, not when its lease would have run out', async () => {
  const host = await hop();
  const at = installationFolder(routed(host));
  const gateway = new GatewayProcess(at.config);
  let answered = false;
  // In the middle of the store's answer: it has the message, we do not know.
  host.onMessage = (when) => {
    if (when === 'arrived' && !answered) gateway.signal('SIGKILL');
    answered = true;
  };
  let sent = 0;
  const ids: string[] = [];
  const next = () => (sent++ === 0 ? letter(1) : undefined);
  await sendLetters({
    connections: 1,
    where: () => gateway.port(),
    next,
    promised: ({ id }) => ids.push(id),
    refused: (_, reply) => expect.unreachable(reply),
  });
  expect(await gateway.ended).toMatchObject({ signal: 'SIGKILL' });

  const again = new GatewayProcess(at.config);
  await again.heard('store.leases.taken_back');
  await expect.poll(() => host.arrivals.length, { timeout: 15_000, interval: 20 }).toBe(2);
  again.signal('SIGTERM');
  await again.ended;
  const store = await openStore(at.store);
  const kinds = (await store.records.get(ids[0]!))!.events.map(({ kind }) => kind);
  expect(kinds).toEqual(['attempted', 'delivered']);
  await store.close();
});

test('SIGHUP: a broken policy leaves the running one in force and is told with its place; a sound one holds for new sessions', async () => {
  const at = installationFolder(routed(await hop()), { inbound: refusing('first') });
  const gateway = new GatewayProcess(at.config);
  const port = await gateway.port();
  const session = async () => {
    const line = new Line(port);
    onTestFinished(() => line.close());
    await line.replies(1);
    await line.say('EHLO client.test\r\n', 1);
    return line;
  };
  const rcpt = async (line: Line) =>
    (await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@mail.test>\r\nRSET\r\n', 3))[1];

  at.write('policies/inbound.yaml', refusing('second').replace('"true"', '"treu"'));
  gateway.signal('SIGHUP');
  const { problems } = await gateway.heard('reload.refused');
  expect(problems).toEqual([expect.stringMatching(/inbound\.yaml:5:\d+.*treu/s)]);
  const old = await session();
  expect(await rcpt(old)).toMatch(/^550 5\.7\.1 .*first$/);

  at.write('policies/inbound.yaml', refusing('third'));
  gateway.signal('SIGHUP');
  await gateway.heard('reload.done');
  expect(await rcpt(await session())).toMatch(/^550 5\.7\.1 .*third$/);
  expect(await rcpt(old)).toMatch(/^550 5\.7\.1 .*first$/);
  old.close();
  gateway.signal('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0 });
});
