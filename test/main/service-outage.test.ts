/** A scanner that goes and comes back, seen from outside: what senders hear, what the log and `status` say. */
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';

const POLICY = `policy: inbound
checks:
  content: [{ clamav: {} }]
rules:
  content:
    - name: infected
      when: "clamav.result == 'infected'"
      reject: { code: 550, enhanced: 5.7.1, text: "malware" }
`;

/** Says PONG, its version, and that all is clean. */
const scanner = () =>
  createServer((socket) => {
    let heard = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.includes('zPING\0')) socket.end('PONG\0');
      else if (heard.includes('zVERSION\0')) socket.end('ClamAV 1.0.0/1/now\0');
      else if (heard.includes(Buffer.alloc(4), 'zINSTREAM\0'.length)) socket.end('stream: OK\0');
    });
  });
const listening = (server: ReturnType<typeof createServer>, port: number): Promise<number> =>
  new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port)),
  );

test('deferred while it is away, given up once for all threads, and asked again when a probe comes back', async () => {
  const first = scanner();
  const port = await listening(first, 0);
  const at = installationFolder(
    [
      'threads: 2',
      'domains: { files.test: { route: files, recipients: any } }',
      'routes: { files: { protocol: maildir, path: mail } }',
      `services: { clamav: { address: "127.0.0.1:${port}" } }`,
    ],
    { inbound: POLICY },
  );
  const gateway = new GatewayProcess(at.config);
  const address = `127.0.0.1:${await gateway.port()}`;
  const letter = (n: number) =>
    speak(address, [
      'EHLO c.test',
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<b@files.test>',
      'DATA',
      `Subject: ${n}\r\n\r\nhello\r\n.`,
      'QUIT',
    ]);
  const services = async () => JSON.parse((await postern('status', '--json', '--config', at.config)).out).services;

  expect(await letter(0)).toMatch(/^250 /);
  expect(await services()).toMatchObject([{ service: 'clamav', state: 'up', last_error: '' }]);
  await new Promise((resolve) => first.close(resolve));
  // Whichever thread each comes to, one of them has met five by then.
  for (let n = 1; n < 10; n++) expect(await letter(n)).toMatch(/^451 4\.\d\.\d /);
  await gateway.heard('service.down');
  expect(await services()).toMatchObject([
    { service: 'clamav', state: 'down', last_error: expect.stringContaining('ECONNREFUSED') },
  ]);
  expect((await postern('status', '--config', at.config)).out).toMatch(/clamav DOWN for .*asked by probes only/);

  const second = scanner();
  onTestFinished(() => void second.close());
  await listening(second, port);
  await gateway.heard('service.up');
  expect(await letter(10)).toMatch(/^250 /);
  expect(gateway.said('service.down')).toHaveLength(1);
  expect(await services()).toMatchObject([{ state: 'up', last_error: expect.stringContaining('ECONNREFUSED') }]);
}, 60_000);
