/** One exchange with a service: no answer is heard without end, and nothing more is read of a message once the answer is there. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { talk } from '../../../src/adapters/services/talk.ts';

async function serving(each: (socket: Socket) => void): Promise<{ readonly host: string; readonly port: number }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    each(socket.on('error', () => {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as { readonly port: number }).port };
}
const late = () => AbortSignal.timeout(10_000);
const how = { connectTimeout: 5000, halfClose: false, answerMax: 1000, whole: (answer: Buffer) => answer.includes(0) };

test('an answer that goes on beyond its bound is none', async () => {
  const place = await serving((socket) => socket.write('x'.repeat(1001)));
  const parts = { ...how, address: { kind: 'tcp', ...place } as const, send: pieces([]) };
  await expect(talk(parts, late())).rejects.toMatchObject({
    kind: 'garbage',
    message: expect.stringContaining('longer than 1000 octets'),
  });
});

test('once the answer is there, no more of the message is asked for', async () => {
  const place = await serving((socket) => socket.once('data', () => socket.write('early\0')));
  const asked = { pieces: 0 };
  let ended: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    ended = resolve;
  });
  async function* send(): AsyncIterable<Uint8Array> {
    try {
      for (; asked.pieces < 100_000; asked.pieces++) yield Buffer.alloc(10);
    } finally {
      ended();
    }
  }
  const parts = { ...how, address: { kind: 'tcp', ...place } as const, send: send() };
  expect((await talk(parts, late())).toString()).toBe('early\0');
  await over;
  expect(asked.pieces).toBeLessThan(100_000);
});

async function* pieces(all: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* all;
}
