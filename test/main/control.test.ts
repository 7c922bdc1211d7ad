/** What an operator does to a running gateway: the real process, the real commands. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { type InstallationFolder, installationFolder } from '../support/installation-folder.ts';
import { Line } from '../support/letter-clients.ts';

const ROUTED = [
  'domains: { mail.test: { route: files, recipients: any } }',
  'routes: { files: { protocol: maildir, path: mail } }',
];
const refusing = (name: string) => `policy: inbound
checks: {}
rules:
  rcpt:
    - { name: ${name}, when: "true", reject: { code: 550, enhanced: 5.7.1, text: "not today" } }
`;

interface Running {
  readonly at: InstallationFolder;
  readonly gateway: GatewayProcess;
  /** A command with this installation's configuration. */
  readonly run: (...args: readonly string[]) => ReturnType<typeof postern>;
}

async function started(policy?: string): Promise<Running> {
  const at = installationFolder(ROUTED, policy === undefined ? undefined : { inbound: policy });
  const gateway = new GatewayProcess(at.config);
  await gateway.port();
  return { at, gateway, run: (...args) => postern(...args, '--config', at.config) };
}

async function rcpt(gateway: GatewayProcess): Promise<string> {
  const line = new Line(await gateway.port());
  onTestFinished(() => line.close());
  await line.replies(1);
  const replies = await line.say('EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<x@mail.test>\r\n', 3);
  line.close();
  return replies[2]!;
}

test("the control line is its owner's alone, a dead one's socket is replaced, and status tells of the running gateway", async () => {
  const first = await started();
  const socket = join(first.at.store, 'control.sock');
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  first.gateway.signal('SIGKILL');
  await first.gateway.ended;
  expect(await first.run('status')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^gateway +not running: nobody listens/),
  });

  const second = new GatewayProcess(first.at.config);
  await second.port();
  const { code, out } = await first.run('status', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    running: true,
    pid: second.pid,
    draining: false,
    listeners: [{ name: 'mx', policy: 'inbound', sessions: 0 }],
    policies: [{ name: 'inbound', bundle: expect.stringMatching(/^[0-9a-f]{32}$/) }],
    last_reload: null,
    queue: { waiting: 0 },
    store: { trouble: '' },
  });
});

test('a reload that does not check is reported by the command, and stays in the status', async () => {
  const { at, run, gateway } = await started(refusing('closed'));
  at.write('policies/inbound.yaml', refusing('closed').replace('"true"', '"spff.result"'));
  const wrong = await run('reload');
  expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/inbound\.yaml:5.*spff.*stays in force/s) });
  expect((await run('status')).out).toContain('REFUSED for 1 problem');
  expect(await rcpt(gateway)).toMatch(/^550/);

  at.write('policies/inbound.yaml', 'policy: inbound\nchecks: {}\nrules: {}\n');
  expect(await run('reload')).toMatchObject({ code: 0 });
  expect(await rcpt(gateway)).toMatch(/^250/);
});

test('the doctor sees that files and gateway differ, brakes do not count as a difference, and a reload mends it', async () => {
  const { at, run } = await started(refusing('closed'));
  const gatewayLines = async () =>
    (await run('doctor', '--offline', '--json')).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ group }) => group === 'gateway')
      .map(({ level, saw }) => `${level} ${saw}`);
  const well = [expect.stringMatching(/^ok runs for .*, as its files say$/)];
  expect(await gatewayLines()).toEqual(well);
  await run('override', 'rule', 'closed', 'monitor', '--for', '1h', '--why', 'test');
  expect(await gatewayLines()).toEqual(well);
  at.write('policies/inbound.yaml', refusing('shut'));
  expect(await gatewayLines()).toEqual([expect.stringMatching(/^warning the files say something else/)]);
  expect(await run('reload')).toMatchObject({ code: 0 });
  expect(await gatewayLines()).toEqual(well);
  const { out } = await run('doctor', '--offline');
  expect(out).toMatch(/^ {2}ok +listener +mx greets, TLS: opportunistic$/m);
  expect(out).toMatch(/^ {2}warning +certificate +mx: self-signed/m);
});

test('a drain answers 421 to who connects and to sessions at rest, and ends when told', async () => {
  const { run, gateway } = await started();
  const resting = new Line(await gateway.port());
  onTestFinished(() => resting.close());
  await resting.replies(1);
  await resting.say('EHLO c.test\r\n', 1);
  const told = resting.replies(1);
  expect(await run('drain')).toMatchObject({ out: expect.stringMatching(/^(empty|left: )/) });
  expect(await told).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
  const late = new Line(await gateway.port());
  expect(await late.replies(1)).toEqual([expect.stringMatching(/^421 4\.3\.2 /)]);
  late.close();
  expect(await run('drain', '--wait', '30s')).toMatchObject({ code: 0, out: 'empty\n' });
  expect(await run('drain', '--off')).toMatchObject({ code: 0 });
  expect(await rcpt(gateway)).toMatch(/^250/);
});

describe('an override', () => {
  test('begins and ends at once, is in the record by whom and why, and survives a restart', async () => {
    const { at, run, gateway } = await started(refusing('closed'));
    expect(await rcpt(gateway)).toMatch(/^550/);
    const began = await run('override', 'rule', 'closed', 'monitor', '--for', '1h', '--why', 'INC-4711', '--json');
    expect(began).toMatchObject({ code: 0, err: '' });
    const { id } = JSON.parse(began.out) as { id: string };
    expect(await rcpt(gateway)).toMatch(/^250/);
    expect(gateway.log).toContain('override.began');
    expect((await run('override', 'rule', 'clsoed', 'monitor', '--for', '1h', '--why', 'x')).code).toBe(1);

    gateway.signal('SIGTERM');
    await gateway.ended;
    const again = new GatewayProcess(at.config);
    expect(await rcpt(again)).toMatch(/^250/);
    expect((await run('status')).out).toContain(`${id}  rule closed in monitor`);
    const records = (await run('log', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const braked = records.find(({ recipients }) => recipients[0]?.verdict === 'accept');
    const trace = await run('trace', braked.id);
    expect(trace.out).toMatch(
      new RegExp(`would +reject +closed.*under override ${id} of rule closed by \\S+ until .*INC-4711`),
    );
    const refused = records.find(({ recipients }) => recipients[0]?.verdict === 'reject');
    expect(braked.bundle).not.toBe(refused.bundle);

    expect(await run('override', 'end', id)).toMatchObject({ code: 0 });
    expect(await rcpt(again)).toMatch(/^550/);
    expect((await run('override', 'list')).out).toBe('none\n');
  });

  test('ends by itself', async () => {
    const { run, gateway } = await started(refusing('closed'));
    const ended = gateway.heard('override.ended');
    await run('override', 'rule', 'closed', 'monitor', '--for', '300ms', '--why', 'a moment');
    expect(await ended).toMatchObject({ rule: 'closed', ended_by: 'its time' });
    expect(await rcpt(gateway)).toMatch(/^550/);
  });
});
