/** Whatever a scanner does but give a verdict: the check comes to no facts within its budget, and the rule's `on_error` holds. */
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { clamd } from '../../../src/adapters/services/clamd.ts';
import type { RecordView } from '../../../src/record/view.ts';
import { recordView } from '../../../src/record/view.ts';
import { dribble, flood, hostileService } from '../../support/hostile-service.ts';
import { rehearsalOf } from '../../support/rehearsal.ts';

const SERVICES = ['clamav', 'spamassassin', 'rspamd'] as const;
type Name = (typeof SERVICES)[number];

/** What the daemon would say of a message that is clean. */
const CLEAN: { readonly [name in Name]: string } = {
  clamav: 'stream: OK\0',
  spamassassin: 'SPAMD/1.1 0 EX_OK\r\nContent-length: 2\r\nSpam: False ; -1.0 / 5.0\r\n\r\n\r\n',
  rspamd:
    'HTTP/1.1 200 OK\r\nContent-Length: 67\r\n\r\n{"score":0.0,"required_score":15.0,"action":"no action","symbols":{}}'.replace(
      '67',
      String('{"score":0.0,"required_score":15.0,"action":"no action","symbols":{}}'.length),
    ),
};
const ERROR: { readonly [name in Name]: string } = {
  clamav: "Can't allocate memory ERROR\0",
  spamassassin: 'SPAMD/1.0 75 Timeout: (30 second timeout while trying to REPORT)\r\n',
  rspamd: 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n',
};

const policyText = (name: Name, onError: string): string => `policy: inbound
checks:
  content: [{ ${name}: { timeout: 400ms, on_error: ${onError} } }]
rules:
  content:
    - name: reads
      when: "${name === 'clamav' ? "clamav.result == 'infected'" : `${name}.score >= 6`}"
      reject: { code: 550, enhanced: 5.7.1, text: "no" }
`;
const installationText = (name: Name, port: number): string => `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:2525", policy: inbound } }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
services: { ${name}: { ${name === 'rspamd' ? `url: "http://127.0.0.1:${port}"` : `address: "127.0.0.1:${port}"`}, connect_timeout: 300ms } }
`;
/** More than sockets take before somebody reads. */
const LONG = `From: a@example.org\r\nSubject: x\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(8000)}`;
const SHORT = 'From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n';

async function ask(name: Name, port: number, onError = 'defer', raw = SHORT): Promise<RecordView> {
  const play = rehearsalOf(
    policyText(name, onError).replace('{ timeout', `{ ${SIZED[name]}timeout`),
    installationText(name, port),
  );
  const scenario = { client_ip: '192.0.2.1', helo: 'c.example', mail_from: 'a@example.org', rcpt: ['b@example.net'] };
  const { record, policy } = await play({ ...scenario, raw, live: true });
  return recordView(record, [], policy);
}
const SIZED = { clamav: '', spamassassin: 'max_size: 50 MiB, ', rspamd: 'max_size: 50 MiB, ' };

const whenRead = (socket: Socket, then: () => void): void => {
  socket.once('data', () => setTimeout(then, 20));
  socket.on('data', () => {});
};

/** Behaviours, with the message they are shown. */
const BEHAVIOURS: readonly (readonly [what: string, raw: string, behave: (socket: Socket, name: Name) => void])[] = [
  ['hangs once it has read all', SHORT, (socket) => void socket.resume()],
  ['reads nothing and says nothing', LONG, (socket) => void socket.pause()],
  ['answers an octet at a time', SHORT, (socket, name) => dribble(socket.resume(), CLEAN[name], 60)],
  ['closes at once', SHORT, (socket) => void socket.destroy()],
  ['closes in the middle of the message', LONG, (socket) => void socket.once('data', () => socket.destroy())],
  ['ends politely in the middle of the message', LONG, (socket) => void socket.once('data', () => socket.end())],
  [
    'says "clean" before it has the message, and closes',
    LONG,
    (socket, name) => void socket.once('data', () => socket.end(CLEAN[name])),
  ],
  [
    'says "clean" before it has the message, and reads no more',
    LONG,
    (socket, name) => void socket.once('data', () => socket.pause().write(CLEAN[name])),
  ],
  [
    'closes in the middle of its answer',
    SHORT,
    (socket, name) => whenRead(socket, () => socket.end(CLEAN[name].slice(0, -3))),
  ],
  ['answers garbage', SHORT, (socket) => whenRead(socket, () => socket.end('HELO \x1b[31mx\0\r\n\r\n'))],
  ['answers nothing but NULs', SHORT, (socket) => whenRead(socket, () => socket.end('\0\0\0\0'))],
  ['answers without an end', SHORT, (socket) => whenRead(socket, () => flood(socket, 'stream: OK '.repeat(1000)))],
  [
    'answers with headers without an end',
    SHORT,
    (socket) => whenRead(socket, () => flood(socket, `X-${'y'.repeat(500)}: OK\r\n`.repeat(20))),
  ],
  ['says that it had an error', SHORT, (socket, name) => whenRead(socket, () => socket.end(ERROR[name]))],
  [
    'gives its answer twice',
    SHORT,
    (socket, name) =>
      name === 'rspamd' ? void socket.destroy() : whenRead(socket, () => socket.end(CLEAN[name] + CLEAN[name])),
  ],
];

describe.each(SERVICES)('%s', (name) => {
  test('a verdict is a verdict: a message that is clean goes on', async () => {
    const { port } = await hostileService((socket) => whenRead(socket, () => socket.end(CLEAN[name])));
    const view = await ask(name, port);
    expect(view.recipients).toMatchObject([{ verdict: 'accept' }]);
    expect(view.checks).toMatchObject([{ name, status: 'completed' }]);
  });

  test.each(BEHAVIOURS)('that %s: the message is deferred', async (_what, raw, behave) => {
    const { port } = await hostileService((socket) => behave(socket, name));
    const view = await ask(name, port, 'defer', raw);
    expect(view.recipients).toMatchObject([{ verdict: 'defer', reason: `on_error:${name}` }]);
    expect(['failed', 'timed_out']).toContain(view.checks[0]?.status);
    // Outside text is shown, never spoken.
    expect(JSON.stringify(view)).not.toContain('\\u001b');
  });

  test('that nobody runs: deferred, quarantined or let through, as on_error says', async () => {
    const { port } = await hostileService((socket) => void socket.destroy());
    expect((await ask(name, 1)).recipients).toMatchObject([{ verdict: 'defer' }]);
    expect((await ask(name, port, 'quarantine')).recipients).toMatchObject([{ verdict: 'quarantine' }]);
    expect((await ask(name, port, 'skip')).recipients).toMatchObject([{ verdict: 'accept' }]);
  });
});

test('clamav: what is too long for it is a result, also when it says so before it has read all and closes', async () => {
  const { port } = await hostileService(
    (socket) => void socket.once('data', () => socket.end('INSTREAM size limit exceeded. ERROR\0')),
  );
  const view = await ask('clamav', port, 'defer', LONG);
  expect(view.facts).toMatchObject({ clamav: { status: 'completed', result: 'too-large' } });
  expect(view.recipients).toMatchObject([{ verdict: 'accept' }]);
});

test.each([
  [10, 'stream: OK\0', { kind: 'clean' }],
  [9, 'stream: OK\0', { kind: 'too-large' }],
  [9, 'stream: Eicar FOUND\0', { kind: 'infected', signature: 'Eicar' }],
])('clamd: of ten octets %i may be sent, and it says %j', async (maxBytes, says, verdict) => {
  const { port } = await hostileService((socket) => {
    socket.on('data', (octets: Buffer) => {
      if (octets.subarray(-4).equals(Buffer.alloc(4))) socket.end(says);
    });
  });
  const scanner = clamd({ address: { kind: 'tcp', host: '127.0.0.1', port }, connectTimeout: 300, maxBytes });
  const octets = async function* () {
    yield Buffer.from('hello');
    yield Buffer.from('world');
  };
  expect(await scanner.scan({ message: 'x', octets: octets() }, AbortSignal.timeout(5000))).toEqual(verdict);
});
