/** A mail server on loopback that answers as a test tells it: it drops, hangs, refuses, encrypts, and remembers what it was sent. */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import type { HostAddress } from '../../src/queue/route.ts';

/** A reply without its CRLF; `drop` ends the connection, `hang` says nothing. */
export type Says = string | 'drop' | 'hang';
type Told = Says | ((argument: string, connection: number) => Says);

export interface HostScript {
  readonly greeting?: Told;
  readonly EHLO?: Told;
  readonly HELO?: Told;
  readonly STARTTLS?: Told;
  readonly AUTH?: Told;
  readonly RSET?: Told;
  readonly MAIL?: Told;
  readonly RCPT?: Told;
  readonly DATA?: Told;
  /** After the final dot; by LMTP asked for each recipient, with its address. */
  readonly dot?: Told;
  readonly lmtp?: boolean;
  /** Offered as STARTTLS in plain, and AUTH PLAIN once encrypted. */
  readonly tls?: TlsOptions;
  /** What a message is answered before its end, at its first octets; `drop` added hangs up after it. */
  readonly early?: { readonly says: string; readonly drop: boolean };
  /** What a chunk is answered that is not the last; `dot` answers that. Offered with CHUNKING in `keywords`. */
  readonly BDAT?: Told;
  /** More lines for EHLO, without their codes. */
  readonly keywords?: readonly string[];
  /** Hears of each handshake that came about. */
  readonly secured?: (socket: TLSSocket) => void;
  /** Nothing is said after STARTTLS is let through. */
  readonly mute?: boolean;
  /** Nothing is read after 354 until `readOn()`. */
  readonly deaf?: boolean;
}

const KEYWORDS = '250-host.test\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8';

export class ScriptedHost {
  readonly #server: Server;
  readonly #script: HostScript;
  readonly #sockets = new Set<Socket>();
  readonly commands: string[] = [];
  /** Those of `commands` that nobody could listen to. */
  readonly encrypted: string[] = [];
  /** Names asked for in handshakes; false for none. */
  readonly servernames: (string | false | null)[] = [];
  /** As they came over the wire between 354 and the final dot, dots still stuffed. */
  readonly messages: string[] = [];
  connections = 0;

  private constructor(script: HostScript) {
    this.#script = script;
    this.#server = createServer({ noDelay: true }, (socket) => this.#meet(socket));
  }

  static async start(
    script: HostScript = {},
    at: string | { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
  ): Promise<ScriptedHost> {
    const host = new ScriptedHost(script);
    await new Promise<void>((done, failed) => {
      host.#server.once('error', failed);
      if (typeof at === 'string') host.#server.listen(at, done);
      else host.#server.listen(at.port, at.host, done);
    });
    return host;
  }

  get address(): HostAddress {
    const at = this.#server.address();
    if (typeof at === 'string') return { kind: 'unix', path: at };
    return { kind: 'tcp', host: at?.address ?? '', port: at?.port ?? 0 };
  }

  /** How many lines to it are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  /** Hangs up on whoever is connected. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Says what was kept back, to everybody. */
  say(reply: string): void {
    for (const socket of this.#sockets) socket.write(`${reply}\r\n`);
  }

  /** A deaf host hears again. */
  readOn(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  #meet(socket: Socket): void {
    const connection = ++this.connections;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    this.#serve(socket, connection);
  }

  #serve(socket: Socket, connection: number): void {
    const secure = socket instanceof TLSSocket;
    socket.on('error', () => {});
    let buffered = '';
    let inData = false;
    /** Of the message that is coming, in pieces: large ones are not copied at every piece. */
    let message: string[] = [];
    let deaf = false;
    let inTransaction = false;
    let recipients: string[] = [];
    /** A chunk that is coming. */
    let chunk: { left: number; readonly last: boolean } | undefined;
    const takeChunk = (one: NonNullable<typeof chunk>) => {
      message.push(buffered.slice(0, one.left));
      const taken = Math.min(one.left, buffered.length);
      buffered = buffered.slice(taken);
      one.left -= taken;
      if (one.left > 0) return;
      chunk = undefined;
      if (!one.last) return void say(this.#script.BDAT ?? '250 2.0.0 go on');
      this.messages.push(message.join(''));
      message = [];
      inTransaction = false;
      answerEnd();
    };
    const answerEnd = () => {
      const told = this.#script.dot ?? '250 2.0.0 taken';
      if (this.#script.lmtp === true) for (const one of recipients) say(told, one);
      else say(told);
    };
    const say = (told: Told, argument = ''): string => {
      const says = typeof told === 'function' ? told(argument, connection) : told;
      if (says === 'drop') socket.end();
      if (says === 'drop' || says === 'hang') deaf = true;
      else socket.write(`${says}\r\n`);
      return says;
    };
    const keywords = () => {
      const more = (this.#script.keywords ?? []).map((line) => `\r\n250-${line}`).join('');
      const known = KEYWORDS.replace('\r\n250-PIPELINING', `${more}\r\n250-PIPELINING`);
      if (this.#script.tls === undefined) return known;
      return known.replace('250-DSN', `250-DSN\r\n250-${secure ? 'AUTH LOGIN PLAIN' : 'STARTTLS'}`);
    };
    const command = (line: string) => {
      this.commands.push(line);
      if (secure) this.encrypted.push(line);
      const verb = line.split(' ')[0]!.toUpperCase();
      const script = this.#script;
      if (verb === 'EHLO' || verb === 'LHLO') say(script.EHLO ?? keywords(), line);
      else if (verb === 'HELO') say(script.HELO ?? '250 host.test', line);
      else if (verb === 'STARTTLS') {
        if (say(script.STARTTLS ?? '220 2.0.0 go on', line).startsWith('220')) encrypt();
      } else if (verb === 'AUTH') say(script.AUTH ?? '235 2.7.0 welcome', line);
      else if (verb === 'RSET') {
        const reset = say(script.RSET ?? '250 2.0.0 ok', line).startsWith('250');
        inTransaction &&= !reset;
      } else if (verb === 'MAIL') {
        recipients = [];
        // As strict as Postfix is.
        const says = say(inTransaction ? '503 5.5.1 nested MAIL' : (script.MAIL ?? '250 2.1.0 ok'), line);
        inTransaction ||= says.startsWith('250');
      } else if (verb === 'RCPT') {
        if (say(script.RCPT ?? '250 2.1.5 ok', line).startsWith('250')) recipients.push(line);
      } else if (verb === 'DATA') {
        const fallback = recipients.length > 0 ? '354 go on' : '503 5.5.1 no recipients';
        inData = say(script.DATA ?? fallback, line).startsWith('354');
        if (inData && script.deaf === true) socket.pause();
      } else if (verb === 'BDAT') {
        const [, octets, last] = line.split(' ');
        chunk = { left: Number(octets), last: last === 'LAST' };
      } else if (verb === 'QUIT') {
        socket.end('221 bye\r\n');
      } else say('250 2.0.0 ok', line);
    };
    const encrypt = () => {
      socket.removeAllListeners('data');
      deaf = true;
      if (this.#script.mute === true) return;
      if (this.#script.tls === undefined) return void socket.once('data', () => socket.write('I cannot\r\n'));
      const secured = new TLSSocket(socket, {
        isServer: true,
        ...this.#script.tls,
        SNICallback: (name, done) => {
          this.servernames.push(name);
          done(null);
        },
      });
      secured.once('secure', () => this.#script.secured?.(secured));
      this.#serve(secured, connection);
    };
    const take = (piece: string) => {
      // The end may lie across two pieces: the last four octets are looked at again.
      const before = message.pop() ?? '\r\n';
      const joined = before + piece;
      const end = joined.indexOf('\r\n.\r\n', Math.max(before.length - 4, 0));
      if (end < 0) {
        const { early } = this.#script;
        if (early !== undefined && message.length === 0) {
          if (early.drop) socket.end(`${early.says}\r\n`);
          else socket.write(`${early.says}\r\n`);
        }
        message.push(joined.slice(0, -4), joined.slice(-4));
        return;
      }
      // Behind the CRLF of the command, which made an empty message's dot stand at a line's start.
      this.messages.push(
        message
          .concat(joined.slice(0, end + 2))
          .join('')
          .slice(2),
      );
      message = [];
      inData = false;
      inTransaction = false;
      buffered = joined.slice(end + 5);
      answerEnd();
    };
    socket.on('data', (octets) => {
      buffered += octets.toString('latin1');
      while (!deaf && (buffered !== '' || chunk?.left === 0)) {
        if (chunk !== undefined) {
          takeChunk(chunk);
          continue;
        }
        if (inData) {
          const piece = buffered;
          buffered = '';
          take(piece);
          continue;
        }
        const end = buffered.indexOf('\r\n');
        if (end < 0) return;
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        command(line);
      }
    });
    if (!secure) say(this.#script.greeting ?? '220 host.test ESMTP');
  }
}
