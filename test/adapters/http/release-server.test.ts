/** The pages' server by itself: what it does when its desk is in trouble, and with clients that speak no HTTP. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ClientRate, clientOf } from '../../../src/adapters/http/client-rate.ts';
import { serveReleases } from '../../../src/adapters/http/release-server.ts';
import type { ReleaseDesk } from '../../../src/ports/release-desk.ts';

async function served(desk: ReleaseDesk) {
  const said: string[] = [];
  const note = (...what: unknown[]) => void said.push(JSON.stringify(what));
  const log = { event: note, warn: note, error: note };
  const server = await serveReleases({ host: '127.0.0.1', port: 0 }, desk, { clock: { elapsed: () => 0 }, log });
  onTestFinished(() => server.close());
  return { said, at: `http://${server.address}`, port: Number(server.address.split(':').at(-1)) };
}
const broken: ReleaseDesk = {
  look: async () => Promise.reject(new Error('Cannot use the store')),
  release: async () => Promise.reject(new Error('Cannot use the store')),
};

/** All that came until the server hung up. */
function spoken(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (octets) => {
      heard += octets;
    });
    socket.on('close', () => resolve(heard)).on('error', reject);
  });
}

test('a store that does not answer is 503, never a release and never a page of its error', async () => {
  const { at, said } = await served(broken);
  const asked = await fetch(`${at}/release/secret`);
  expect(asked.status).toBe(503);
  expect(await asked.text()).not.toContain('store');
  const confirmed = await fetch(`${at}/release/secret`, {
    method: 'POST',
    body: new URLSearchParams({ confirm: 'release' }),
  });
  expect(confirmed.status).toBe(503);
  expect(said.join()).toContain('Cannot use the store');
  expect(said.join()).not.toContain('secret');
});

test('a refusal is told in its words, escaped', async () => {
  const { at } = await served({
    look: async () => ({ kind: 'none' }),
    release: async () => ({ kind: 'refused', id: 'x', why: 'infected, <b>Eicar</b>' }),
  });
  const answered = await fetch(`${at}/release/x`, {
    method: 'POST',
    body: new URLSearchParams({ confirm: 'release' }),
  });
  expect(answered.status).toBe(403);
  expect(await answered.text()).toContain('not released: infected, &#60;b&#62;Eicar&#60;/b&#62;.');
});

test.each([
  ['no HTTP', 'EHLO client.test\r\n\r\n'],
  ['a header without an end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}`],
])('%s is answered 400 and hung up on', async (_, text) => {
  const { port } = await served(broken);
  expect(await spoken(port, text)).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  ['127.0.0.1', undefined, '127.0.0.1'],
  ['127.0.0.1', '203.0.113.7', '203.0.113.7'],
  ['127.0.0.1', '203.0.113.7, 198.51.100.1', '198.51.100.1'],
  ['127.0.0.1', 'unknown', '127.0.0.1'],
  ['127.0.0.1', '2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ['::ffff:127.0.0.1', '', '127.0.0.1'],
])('who asks by %s with X-Forwarded-For %s is %s', (peer, forwarded, expected) => {
  expect(clientOf(peer, forwarded)).toBe(expected);
});

test('a client is counted by the minute, and beyond many clients strangers share a count', () => {
  const rate = new ClientRate();
  const many = (client: string, at: number, n: number) =>
    Array.from({ length: n }, () => rate.takes(client, at)).at(-1);
  expect(many('a', 0, 60)).toBe(true);
  expect(rate.takes('a', 59_999)).toBe(false);
  expect(rate.takes('a', 60_000)).toBe(true);
  for (let n = 0; n < 10_000; n++) rate.takes(`client ${n}`, 60_001);
  expect(many('stranger', 60_002, 60)).toBe(false);
  expect(rate.takes('a', 60_003)).toBe(true);
});
