/** The senders of the record's bench: so many at once, a connection a message. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Letter } from './record-mail.ts';

/** Record ids of the messages that were taken. */
export async function playAll(port: number, load: readonly Letter[], sessions: number): Promise<string[]> {
  const left = [...load];
  const ids: string[] = [];
  await Promise.all(
    Array.from({ length: sessions }, async () => {
      for (let letter = left.shift(); letter !== undefined; letter = left.shift()) {
        const reply = await sendOne(port, letter);
        const id = /^250 .*queued as ([0-9a-z]{13})/.exec(reply)?.[1];
        if (id === undefined) throw new Error(`A letter of ${letter.from} must be taken: ${reply}`);
        ids.push(id);
      }
    }),
  );
  return ids;
}

async function sendOne(port: number, { address, helo, from, to, wire }: Letter): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: address, noDelay: true });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const commands = [`EHLO ${helo}`, `MAIL FROM:<${from}>`, ...to.map((one) => `RCPT TO:<${one}>`), 'DATA', `${wire}.`];
  let reply = '';
  for (const command of ['', ...commands]) {
    if (command !== '') socket.write(`${command}\r\n`);
    do reply = ((await lines.next()).value as string | undefined) ?? '';
    while (reply[3] === '-');
    if (!/^[23]/.test(reply)) break;
  }
  socket.end('QUIT\r\n');
  return reply;
}
