/** Clients that send letters over several connections at once, and remember which of them were promised. */
import { connect, type Socket } from 'node:net';
import { type Letter, letterText } from './letters.ts';

export interface Promise250 {
  readonly letter: Letter;
  /** The record's id, as the 250 names it. */
  readonly id: string;
}

export interface Sending {
  readonly connections: number;
  /** Where the gateway listens now; waits while it does not. Undefined: it will not any more. */
  readonly where: () => Promise<number | undefined>;
  /** Undefined: that was all. */
  readonly next: () => Letter | undefined;
  readonly promised: (one: Promise250) => void;
  /** What was answered instead of 250 to a message. */
  readonly refused: (letter: Letter, reply: string) => void;
}

/** Until there is no more to send. A letter whose connection broke before the reply is not sent again. */
export async function sendLetters(sending: Sending): Promise<void> {
  await Promise.all(Array.from({ length: sending.connections }, () => one(sending)));
}

async function one(sending: Sending): Promise<void> {
  for (;;) {
    const port = await sending.where();
    if (port === undefined) return;
    const line = new Line(port);
    try {
      await line.replies(1);
      await line.say('EHLO client.test\r\n', 1);
      for (let letter = sending.next(); letter !== undefined; letter = sending.next())
        await send(line, letter, sending);
      return;
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
    } finally {
      line.close();
    }
  }
}

async function send(line: Line, letter: Letter, { promised, refused }: Sending): Promise<void> {
  const recipients = letter.recipients.map((recipient) => `RCPT TO:<${recipient}>\r\n`).join('');
  const replies = await line.say(
    `MAIL FROM:<alice@sender.test>\r\n${recipients}DATA\r\n`,
    letter.recipients.length + 2,
  );
  const said = replies.at(-1)!.startsWith('354') ? await line.say(`${letterText(letter)}.\r\n`, 1) : replies;
  const id = /^250 .*queued as (\w{13})/.exec(said[0]!)?.[1];
  if (id !== undefined) return promised({ letter, id });
  refused(letter, said.join('; '));
  // The gateway hangs up (RFC 5321 §3.8).
  if (said.some((reply) => reply.startsWith('421'))) throw new Broken();
}

class Broken extends Error {}

/** A connection that speaks a text and waits for so many replies; what breaks it rejects. */
export class Line {
  readonly #socket: Socket;
  #text = '';
  #lines: string[] = [];
  #waiting:
    | { readonly count: number; readonly heard: (replies: string[]) => void; readonly lost: (e: Error) => void }
    | undefined;
  broken = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', () => {}); // 'close' follows
    this.#socket.on('close', () => {
      this.broken = true;
      this.#waiting?.lost(new Broken());
    });
    this.#socket.on('data', (chunk: Buffer) => this.#hear(chunk.toString('latin1')));
  }

  say(text: string, replies: number): Promise<string[]> {
    this.#socket.write(text);
    return this.replies(replies);
  }

  /** The last lines of so many replies. */
  replies(count: number): Promise<string[]> {
    if (this.broken && this.#lines.length < count) return Promise.reject(new Broken());
    return new Promise((heard, lost) => {
      this.#waiting = { count, heard, lost };
      this.#hear('');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(text: string): void {
    const lines = (this.#text + text).split('\r\n');
    this.#text = lines.pop()!;
    this.#lines.push(...lines.filter((line) => line[3] === ' '));
    const waiting = this.#waiting;
    if (waiting === undefined || this.#lines.length < waiting.count) return;
    this.#waiting = undefined;
    waiting.heard(this.#lines.splice(0, waiting.count));
  }
}
