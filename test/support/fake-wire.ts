/** Reader and dialogue without a socket: thousands of conversations a second, cut into segments as a test likes. */
import { formatReply, type Reply } from '../../src/mail/reply.ts';
import { Dialogue, type DialogueOptions } from '../../src/smtp/receive/dialogue.ts';
import type { Newline } from '../../src/smtp/receive/incoming-message.ts';
import { RECEIVE_LIMITS } from '../../src/smtp/receive/limits.ts';
import type { Line } from '../../src/smtp/receive/line.ts';
import { Reader, type ReaderHost } from '../../src/smtp/receive/reader.ts';
import { Spooling } from '../../src/smtp/receive/spooling.ts';
import { type Script, scriptedSession } from './scripted-session.ts';

export class FakeWire implements Line, ReaderHost {
  readonly script: Script = scriptedSession();
  readonly dialogue: Dialogue;
  readonly newline: Newline;
  readonly commandLineBytes = RECEIVE_LIMITS.commandLineBytes;
  /** As they went out. */
  replies = '';
  fault: unknown;
  #closed = false;
  readonly #reader: Reader;

  constructor(newline: Newline) {
    this.newline = newline;
    const options: DialogueOptions = {
      hostname: 'mx.example.com',
      newline,
      smtpUtf8: false,
      dsn: false,
      limits: { ...RECEIVE_LIMITS, errors: 1_000_000, transactions: 999_999 },
      spooling: new Spooling(RECEIVE_LIMITS.spoolingBytes),
      tls: undefined,
      greetWait: 0,
      trustsXclient: false,
      open: this.script.open,
    };
    const client = { ip: '192.0.2.1', port: 1, name: '', serverIp: '192.0.2.2', serverPort: 25 };
    this.dialogue = new Dialogue(this, client, options);
    this.#reader = new Reader(this, true);
  }

  /** Resolves when all of it has been answered. */
  async hear(segments: Iterable<string>): Promise<void> {
    const heard: Promise<void>[] = [];
    for (const segment of segments)
      if (segment !== '')
        heard.push(new Promise((resolve) => this.#reader.write(Buffer.from(segment, 'latin1'), () => resolve())));
    await Promise.all(heard);
  }

  say(reply: Reply): void {
    if (!this.#closed) this.replies += formatReply(reply);
  }
  ask<T>(_span: number, answer: Promise<T>): Promise<T> {
    return answer;
  }
  ahead(): boolean {
    return this.#reader.ahead;
  }
  gone(): boolean {
    return this.#closed;
  }
  spent(): boolean {
    return false;
  }
  startTls(): void {}
  end(): void {
    this.#closed = true;
    this.#reader.isClosed = true;
    this.dialogue.close();
  }
  heard(): void {}
  answered(): undefined {}
  spooled(drained: Promise<void>): Promise<void> {
    return drained;
  }
  failed(error: unknown): void {
    this.fault = error;
    this.end();
  }
  finished(): void {
    this.end();
  }
}
