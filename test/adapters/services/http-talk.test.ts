/** How rspamd is asked over HTTP, by a server that keeps to the standard and by one behind a proxy alike. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { rspamd } from '../../../src/adapters/services/rspamd.ts';
import { seconds } from '../../../src/mail/time.ts';

// Node's own server answers 400 to a request without Host, as RFC 9112 §3.2 wants it and as nginx does.
test('a request says which host it means: proxies choose by it, and refuse whoever does not say', async () => {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end('pong\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const scanner = rspamd({ url: `http://127.0.0.1:${port}`, connectTimeout: seconds(2) });
  expect(await scanner.probe(AbortSignal.timeout(5_000))).toBe('rspamd');
  expect(hosts).toEqual([`127.0.0.1:${port}`]);
});
