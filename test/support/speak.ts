/** A client of few words: says one command after the other, and answers what the last but one (before QUIT) was told; `all`: every answer. */
import { connect } from 'node:net';

export function speak(address: string, commands: readonly string[], all: string[] = []): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host!);
    const waiting = [...commands];
    let heard = '';
    let said = '';
    socket.on('error', reject).on('close', () => resolve(said));
    socket.on('data', (octets) => {
      heard += octets.toString();
      if (!/^\d{3} [^\n]*\r\n$/m.test(heard)) return;
      all.push(heard);
      said = waiting.length === 0 ? said : heard;
      heard = '';
      const command = waiting.shift();
      if (command === undefined) socket.end();
      else socket.write(`${command}\r\n`);
    });
  });
}
