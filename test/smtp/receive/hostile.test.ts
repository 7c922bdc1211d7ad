/** Hostile clients against a gateway that runs as a process: each is ended or bounded, others are served meanwhile. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { hours, minutes, seconds } from '../../../src/mail/time.ts';
import { GatewayProcess, postern } from '../../support/gateway-process.ts';
import { HOSTILE, Wire } from '../../support/hostile-clients.ts';
import { installationFolder } from '../../support/installation-folder.ts';
import { receiving } from '../../support/receiver.ts';
import { contextOf, makePair } from '../../support/tls.ts';

const RECIPIENT = 'bob@mail.test';
/** How the session of each one ends: the last reply, or what it comes to. */
const ENDS: { readonly [name: string]: string | RegExp } = {
  '100,000 NOOPs': '421 4.7.0 too many commands without a message, closing',
  '20,000 refused recipients': '421 4.7.0 too many recipients were refused, closing',
  'a million recipients in one session': '421 4.7.0 too many commands in one session, please connect again',
  '25 MB of `..` lines': '221 2.0.0 mx.gateway.test closing',
  'a header line of 1 MB': '221 2.0.0 mx.gateway.test closing',
  'a line of 60 MB': '552 5.3.4 a line of the message is too long, encode it (RFC 2045 section 6.7 or 6.8)',
  'pipelined garbage': /^(?:500 5\.5\.2|421 4\.7\.0) /,
  'a pipelined group that makes no sense': '421 4.7.0 too many errors, closing',
  '10,000 chunks of one octet': '221 2.0.0 mx.gateway.test closing',
  'chunks of one octet for ever': '421 4.7.0 too many commands in one session, please connect again',
  'chunks of nothing for ever': '421 4.7.0 too many commands without a message, closing',
  'a socket closed half, in a message': /^354 /,
  'a socket closed half, reading nothing': '',
  'an abandoned TLS handshake': '220 2.0.0 ready to start TLS',
  'STARTTLS with plaintext behind it': '220 2.0.0 ready to start TLS',
  'a flood of handshakes that fail': '220 2.0.0 ready to start TLS',
  'TLS renegotiation': /no renegotiation/,
  'a flood of connections from one /24': '421 4.7.0 too many connections from your network, please try again later',
};
const OPENSSL = spawnSync('openssl', ['version']).status === 0;
const REPLY = /^[2-5]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3} )?[\x20-\x7e]*$/;

test('each hostile client is ended or bounded, hears only proper replies, and others are served meanwhile', {
  timeout: 120_000,
}, async () => {
  const at = installationFolder([
    'domains: { mail.test: { route: files, recipients: { inline: [bob@mail.test] } } }',
    'routes: { files: { protocol: maildir, path: mail } }',
    'limits: { network_connections: 100000 }',
  ]);
  const gateway = new GatewayProcess(at.config);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const port = await gateway.port();
  const offered = await keywordsOf(port, stop.signal);
  const before = residentOf(gateway.pid, 'VmRSS');

  for (const [n, hostile] of HOSTILE.entries()) {
    if (hostile.name === 'TLS renegotiation' && !OPENSSL) continue;
    if (hostile.patient || (hostile.needs !== undefined && !offered.includes(hostile.needs))) continue;
    let over = false;
    const target = { port, from: `127.0.${10 + n}.1`, recipient: RECIPIENT, signal: stop.signal };
    const attack = hostile.run(target).finally(() => {
      over = true;
    });
    // At least one message is begun and taken while the other is at it, or right behind.
    do expect(await send(port, stop.signal), `served beside: ${hostile.name}`).toMatch(/^250 2\.0\.0 queued as /);
    while (!over);
    const lines = (await attack).split('\r\n').filter((line) => line !== '');
    if (hostile.name !== 'TLS renegotiation')
      expect(lines.filter((line) => !REPLY.test(line)).slice(0, 3), hostile.name).toEqual([]);
    const last = (lines.at(-1) ?? '').replace(/\(ref \w+(?:\.\d+)?\) /, '');
    expect({ name: hostile.name, last }).toEqual({
      name: hostile.name,
      last: typeof ENDS[hostile.name] === 'string' ? ENDS[hostile.name] : expect.stringMatching(ENDS[hostile.name]!),
    });
  }

  // The largest message is 50 MB, and none is held in memory; a million recipients are a thousand.
  expect(residentOf(gateway.pid, 'VmHWM') - before).toBeLessThan(256);
  gateway.signal('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0 });
  // A handshake that fails is the client's affair.
  const faults = gateway.log.filter((name) => /failed|fault|hangs/.test(name) && name !== 'smtp.tls.failed');
  expect(faults).toEqual([]);
  const { out } = await postern('log', '--json', '--limit', '100000', '--config', at.config);
  const records = out.split('\n').filter((line) => line !== '');
  const shed = records.filter((line) => line.includes('network-sessions')).map((line) => JSON.parse(line));
  expect(shed).toMatchObject([
    { count: 100, facts: { client: { network: expect.stringMatching(/^127\.0\.\d+\.0\/24$/) } } },
  ]);
  // Five hundred failed handshakes: two lines in the log, twenty records and one for all the others.
  const from = `127.0.${10 + HOSTILE.findIndex(({ name }) => name === 'a flood of handshakes that fail')}.0/24`;
  expect(gateway.said('smtp.tls.failed').filter(({ network }) => network === from)).toEqual([
    expect.not.objectContaining({ more: expect.anything() }),
    expect.objectContaining({ more: 499 }),
  ]);
  const failed = records.map((line) => JSON.parse(line)).filter(({ facts }) => facts.client?.network === from);
  expect(failed.map(({ count }) => count).toSorted((a, b) => a - b)).toEqual([...Array(20).fill(1), 480]);
  expect(Math.max(...records.map((line) => line.length))).toBeLessThan(2_000_000);
});

test.each(HOSTILE.filter(({ patient }) => patient))(
  '$name: others come and go, and it is ended in its time',
  async (hostile) => {
    const context = contextOf(makePair('mx.example.com'));
    const world = await receiving({ tls: { mode: 'opportunistic', contextFor: () => context } });
    onTestFinished(() => world.end());
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const attacks = Array.from({ length: 20 }, () =>
      hostile.run({ port: world.port, from: '127.0.1.1', recipient: RECIPIENT, signal: stop.signal }),
    );
    let over = false;
    const ended = Promise.all(attacks).finally(() => {
      over = true;
    });
    let passed = 0;
    for (; !over && passed < hours(3); passed += seconds(10)) {
      expect(await send(world.port, stop.signal)).toMatch(/^250 2\.0\.0 queued as /);
      await world.clock.pass(seconds(10));
    }
    expect(passed).toBeLessThanOrEqual(minutes(8));
    // Within a handshake nothing can be said.
    const last = hostile.needs === 'STARTTLS' ? /\r\n220 2\.0\.0 [^\r]*\r\n$/ : /\r\n421 4\.4\.2 [^\r]*\r\n$/;
    for (const heard of await ended) expect(heard).toMatch(last);
  },
);

async function keywordsOf(port: number, signal: AbortSignal): Promise<string> {
  const wire = new Wire({ port, from: '127.0.2.1', recipient: RECIPIENT, signal });
  await wire.hear(/^220 /m);
  await wire.ask('EHLO client.example', /^250 /m);
  await wire.ask('QUIT', /^221 /m);
  return wire.end();
}

/** One message from a network of its own, and the last but one of what was heard. */
async function send(port: number, signal: AbortSignal): Promise<string> {
  const wire = new Wire({ port, from: '127.0.2.1', recipient: RECIPIENT, signal });
  if (!(await wire.upToData(RECIPIENT))) return wire.heard;
  await wire.ask(`Subject: x\r\n\r\n${'text\r\n'.repeat(100)}.`, /^\d{3} /m);
  const answer = wire.heard.split('\r\n').at(-2) ?? '';
  await wire.ask('QUIT', /^221 /m);
  await wire.end();
  return answer;
}

/** MiB of the process, now or at most. */
function residentOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}
