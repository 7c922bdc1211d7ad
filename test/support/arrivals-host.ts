/** A mail server on loopback that takes all but a few, and remembers which letter came when, over whose connection. */
import { createServer, type Server, type Socket } from 'node:net';
import { readLetter } from './letters.ts';

export interface Arrival {
  readonly mark: string;
  readonly recipient: string;
  /** Which life of the gateway the connection belongs to. */
  readonly life: number;
  /** Arrivals before this one in the same life. */
  readonly place: number;
  readonly whole: boolean;
  /** When its 250 was written, in milliseconds of the process. */
  readonly at: number;
}

export class ArrivalsHost {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly arrivals: Arrival[] = [];
  /** Counted up by whoever starts the gateway anew. */
  life = 0;
  /** Called for each message, before its 250 is written and after. */
  onMessage: (when: 'arrived' | 'confirmed') => void = () => {};
  #places = new Map<number, number>();

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<ArrivalsHost> {
    const host = new ArrivalsHost();
    await new Promise<void>((done) => host.#server.listen(0, '127.0.0.1', done));
    return host;
  }

  get port(): number {
    const at = this.#server.address();
    return typeof at === 'string' ? 0 : (at?.port ?? 0);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #serve(socket: Socket): void {
    const { life } = this;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // whoever was killed hangs up without a word
    let buffered: Buffer = Buffer.alloc(0);
    let recipients: string[] = [];
    let inData = false;
    socket.write('220 store.test ESMTP\r\n');
    socket.on('data', (chunk: Buffer) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      let replies = '';
      for (;;) {
        const end = buffered.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) break;
        const text = buffered.subarray(0, end + (inData ? 2 : 0)).toString('latin1');
        buffered = buffered.subarray(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          socket.write(replies);
          replies = '';
          this.#arrive(socket, life, recipients, text);
          recipients = [];
          continue;
        }
        const verb = text.slice(0, 4).toUpperCase();
        const recipient = verb === 'RCPT' ? (/<(.*?)>/.exec(text)?.[1] ?? '') : '';
        const refused = recipient.startsWith(REFUSED) || (verb === 'DATA' && recipients.length === 0);
        if (recipient !== '' && !refused) recipients.push(recipient);
        if (verb === 'MAIL' || verb === 'RSET') recipients = [];
        inData = verb === 'DATA' && !refused;
        replies += refused ? '550 5.1.1 nobody of that name\r\n' : (REPLIES[verb] ?? '500 5.5.1 what?\r\n');
        if (verb === 'QUIT') socket.end(replies);
      }
      if (replies !== '' && !socket.writableEnded) socket.write(replies);
    });
  }

  #arrive(socket: Socket, life: number, recipients: readonly string[], text: string): void {
    this.onMessage('arrived');
    socket.write('250 2.0.0 taken\r\n');
    const { mark, whole } = readLetter(text);
    const place = this.#places.get(life) ?? 0;
    this.#places.set(life, place + 1);
    for (const recipient of recipients)
      this.arrivals.push({ mark, recipient, life, place, whole, at: performance.now() });
    this.onMessage('confirmed');
  }
}

/** Recipients whose address begins so are answered 550. */
export const REFUSED = 'gone';

const REPLIES: { readonly [verb: string]: string } = {
  EHLO: '250-store.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n',
  MAIL: '250 2.1.0 ok\r\n',
  RCPT: '250 2.1.5 ok\r\n',
  DATA: '354 go on\r\n',
  RSET: '250 2.0.0 ok\r\n',
  NOOP: '250 2.0.0 ok\r\n',
  QUIT: '221 2.0.0 bye\r\n',
};
