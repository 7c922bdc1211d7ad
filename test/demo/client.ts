/** A mail client that says where it claims to come from (XCLIENT), then sends one message as any would. */
import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';

export interface Sending {
  readonly ip: string;
  readonly helo: string;
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF lines. */
  readonly message: string;
}

/** The last answer each recipient got: to RCPT when it was refused there, else to the message. */
export async function send(address: string, sending: Sending): Promise<ReadonlyMap<string, string>> {
  const [host, port] = address.split(':');
  const wire = new Wire(connect(Number(port), host));
  const answers = new Map<string, string>();
  try {
    await wire.expect(220);
    await wire.ask('EHLO demo.localhost', 250);
    await wire.ask(`XCLIENT ADDR=${sending.ip}`, 220);
    await wire.ask(`EHLO ${sending.helo}`, 250);
    const mail = await wire.ask(`MAIL FROM:<${sending.from}>`);
    const taken: string[] = [];
    for (const recipient of sending.to) {
      const answer = mail.startsWith('2') ? await wire.ask(`RCPT TO:<${recipient}>`) : mail;
      answers.set(recipient, answer);
      if (answer.startsWith('2')) taken.push(recipient);
    }
    if (taken.length > 0) {
      const go = await wire.ask('DATA');
      const stuffed = sending.message.replace(/^\./gm, '..');
      const answer = go.startsWith('354') ? await wire.ask(`${stuffed}.`) : go;
      for (const recipient of taken) answers.set(recipient, answer);
    }
    await wire.ask('QUIT', 221);
    return answers;
  } finally {
    wire.close();
  }
}

/** One command, one answer. */
class Wire {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #next: AsyncIterator<string>;

  constructor(socket: Socket) {
    this.#socket = socket.setTimeout(10_000, () => socket.destroy(new Error('the gateway is silent')));
    this.#lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    this.#next = this.#lines[Symbol.asyncIterator]();
  }

  async ask(command: string, code?: number): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    return this.expect(code);
  }

  /** The answer's last line; those of one reply all begin with its code. */
  async expect(code?: number): Promise<string> {
    for (;;) {
      const { value, done } = await this.#next.next();
      if (done === true) throw new Error('Cannot read an answer as the gateway must give one: it closed');
      if (value[3] === '-') continue;
      if (code !== undefined && !value.startsWith(String(code)))
        throw new Error(`Cannot go on as the answer must be ${code}: ${value}`);
      return value;
    }
  }

  close(): void {
    this.#lines.close();
    this.#socket.destroy();
  }
}
