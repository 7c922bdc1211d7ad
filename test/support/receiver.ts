/** A receiver on a free loopback port with a scripted decider and a clock that stands still, and a client that reads to the end. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { RECEIVE_LIMITS } from '../../src/smtp/receive/limits.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from '../../src/smtp/receive/receiver.ts';
import { FakeClock } from './clock.ts';
import { type Script, type ScriptOptions, scriptedSession } from './scripted-session.ts';

export interface World {
  readonly receiver: Receiver;
  readonly script: Script;
  readonly clock: FakeClock;
  readonly logged: string[];
  readonly port: number;
  client(): Promise<Client>;
  end(): Promise<void>;
}

export async function receiving(
  options: Partial<ReceiverOptions> & { readonly script?: ScriptOptions; readonly smtpUtf8?: boolean } = {},
): Promise<World> {
  const { script: scriptOptions, smtpUtf8 = true, ...rest } = options;
  const messageBytes = options.limits?.messageBytes ?? RECEIVE_LIMITS.messageBytes;
  const script = scriptedSession(scriptOptions);
  const clock = new FakeClock();
  const logged: string[] = [];
  const note = (name: string) => void logged.push(name);
  const receiver = createReceiver({
    hostname: 'mx.example.com',
    host: '127.0.0.1',
    port: 0,
    newline: 'strict',
    xclientFrom: ['127.0.0.0/8'],
    offer: () => ({ smtpUtf8, messageBytes }),
    dsn: true,
    open: script.open,
    log: { event: note, warn: note, error: note },
    clock,
    ...rest,
  });
  const { port } = await receiver.listen();
  const clients: Client[] = [];
  return {
    receiver,
    script,
    clock,
    logged,
    port,
    async client() {
      const client = await Client.connect(port);
      clients.push(client);
      return client;
    },
    async end() {
      for (const client of clients) client.socket.destroy();
      await receiver.close(0);
    },
  };
}

export class Client {
  readonly socket: Socket;
  #heard = '';
  #closed = false;
  #wake: () => void = () => {};
  /** Segments in which replies came. */
  segments = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#heard += chunk.toString('latin1');
      this.segments++;
      this.#wake();
    });
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', closed).on('close', closed).on('error', closed);
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  send(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** One octet a segment, as far as the system lets us. */
  async trickle(text: string | Uint8Array): Promise<void> {
    for (const octet of Buffer.from(text as string, 'latin1')) {
      if (this.#closed) return;
      this.socket.write(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next reply line, or undefined when the server closed. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#heard.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#heard.slice(0, end);
        this.#heard = this.#heard.slice(end + 2);
        return line;
      }
      if (this.#closed) return this.#heard === '' ? undefined : `cut: ${this.#heard}`;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next whole reply, lines joined by a newline. */
  async reply(): Promise<string | undefined> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === undefined) return lines.length === 0 ? undefined : `cut: ${lines.join('\n')}`;
      lines.push(line);
      if (!/^\d{3}-/.test(line)) return lines.join('\n');
    }
  }

  /** Says and hears: one command, one reply. */
  async ask(command: string): Promise<string | undefined> {
    this.send(`${command}\r\n`);
    return this.reply();
  }

  /** Greeting, EHLO, MAIL, RCPT, DATA: ready for a message. */
  async upToData(sender = 'a@example.net'): Promise<void> {
    await this.reply();
    await this.ask('EHLO client.example.net');
    await this.ask(`MAIL FROM:<${sender}>`);
    await this.ask('RCPT TO:<b@example.com>');
    await this.ask('DATA');
  }
}
