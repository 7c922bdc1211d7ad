/** The holder of sockets against a process that takes one as sd_listen_fds(3) says. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { GatewayProcess } from './gateway-process.ts';
import { SocketHolder } from './socket-holder.ts';
import { temporaryFolder } from './store-folder.ts';

/** Answers each client with what it was started with. */
const SERVER = `
import { createServer } from 'node:net';
const { LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID } = process.env;
const mine = LISTEN_PID === String(process.pid);
const server = createServer((socket) => socket.end([process.pid, mine, LISTEN_FDS, LISTEN_FDNAMES].join(' ')));
server.listen({ fd: 3 }, () => console.error(JSON.stringify({ msg: 'listens' })));
process.once('SIGTERM', () => server.close());
`;

async function answer(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let said = '';
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(socket, 'close');
  return said;
}

test('one process after the other serves the socket; who comes between them waits and is served', async () => {
  const script = join(temporaryFolder(), 'server.mjs');
  writeFileSync(script, SERVER);
  const holder = SocketHolder.open();
  const start = () => new GatewayProcess('', { program: [process.execPath, script], ...holder.passTo('mx') });

  const first = start();
  await first.heard('listens');
  expect(await answer(holder.port)).toBe(`${first.pid} true 1 mx`);
  first.signal('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });

  const between = answer(holder.port);
  const second = start();
  await second.heard('listens');
  expect(await between).toBe(`${second.pid} true 1 mx`);
  second.signal('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0 });
});
