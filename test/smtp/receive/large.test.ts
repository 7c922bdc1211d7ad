/** A large message over a real socket: of what has come, only what is being read is in memory. */
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { Walk } from '../../../src/mime/walk.ts';
import type { ContentWriter } from '../../../src/ports/content.ts';
import { attachments } from '../../bench/inside-plays.ts';
import { receiving, type World } from '../../support/receiver.ts';
import { scriptedSession } from '../../support/scripted-session.ts';

const MIB = 1024 * 1024;
let world: World;
afterEach(() => world.end());

test('25 MiB with 40 attachments, looked into as they come, are never in memory together', async () => {
  const script = scriptedSession();
  const walk = new Walk();
  let before = 0;
  let most = 0;
  const writer: ContentWriter = {
    size: 0,
    write(chunk) {
      walk.write(chunk);
      before ||= process.memoryUsage().arrayBuffers;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      return true;
    },
    drained: () => Promise.resolve(),
    finish: () => Promise.resolve({ ref: '', size: 0, sha256: '', header: new Uint8Array(), async *open() {} }),
    abandon: () => Promise.resolve(),
  };
  world = await receiving({
    open: (client) => ({ ...script.open(client), data: () => Promise.resolve({ kind: 'go', writer }) }),
  });
  const message = attachments(40, 470_000);
  const client = await world.client();
  await client.reply();
  for (const line of ['EHLO c.example', 'MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>', 'DATA'])
    await client.ask(line);
  // Piece by piece, so that what the client holds does not grow either.
  for (let at = 0; at < message.length; at += 64 * 1024)
    if (!client.socket.write(message.subarray(at, at + 64 * 1024))) await once(client.socket, 'drain');
  client.send('.\r\n');
  expect(await client.reply()).toMatch(/^250 /);
  expect(walk.end().parts.filter(({ attachment }) => attachment)).toHaveLength(40);
  expect(most).toBeLessThan(10 * MIB);
  expect(most).toBeGreaterThan(0);
});
