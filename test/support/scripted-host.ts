/** A mail server on loopback that answers as a test tells it: it drops, hangs, refuses, and remembers what it was sent. */
import { createServer, type Server, type Socket } from 'node:net';
import type { HostAddress } from '../../src/queue/route.ts';

/** A reply without its CRLF; `drop` ends the connection, `hang` says nothing. */
export type Says = string | 'drop' | 'hang';
type Told = Says | ((argument: string, connection: number) => Says);

export interface HostScript {
  readonly greeting?: Told;
  readonly EHLO?: Told;
  readonly HELO?: Told;
  readonly MAIL?: Told;
  readonly RCPT?: Told;
  readonly DATA?: Told;
  /** After the final dot; by LMTP asked for each recipient, with its address. */
  readonly dot?: Told;
  readonly lmtp?: boolean;
}

const KEYWORDS = '250-host.test\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8';

export class ScriptedHost {
  readonly #server: Server;
  readonly #script: HostScript;
  readonly #sockets = new Set<Socket>();
  readonly commands: string[] = [];
  /** As they came over the wire between 354 and the final dot, dots still stuffed. */
  readonly messages: string[] = [];
  connections = 0;

  private constructor(script: HostScript) {
    this.#script = script;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(script: HostScript = {}, path?: string): Promise<ScriptedHost> {
    const host = new ScriptedHost(script);
    await new Promise<void>((done) =>
      path === undefined ? host.#server.listen(0, '127.0.0.1', done) : host.#server.listen(path, done),
    );
    return host;
  }

  get address(): HostAddress {
    const at = this.#server.address();
    if (typeof at === 'string') return { kind: 'unix', path: at };
    return { kind: 'tcp', host: '127.0.0.1', port: at?.port ?? 0 };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  /** Hangs up on whoever is connected. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.end();
  }

  #serve(socket: Socket): void {
    const connection = ++this.connections;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let buffered = '';
    let inData = false;
    let deaf = false;
    let recipients: string[] = [];
    const say = (told: Told, argument = ''): string => {
      const says = typeof told === 'function' ? told(argument, connection) : told;
      if (says === 'drop') socket.end();
      if (says === 'drop' || says === 'hang') deaf = true;
      else socket.write(`${says}\r\n`);
      return says;
    };
    const command = (line: string) => {
      this.commands.push(line);
      const verb = line.split(' ')[0]!.toUpperCase();
      const script = this.#script;
      if (verb === 'EHLO' || verb === 'LHLO') say(script.EHLO ?? KEYWORDS, line);
      else if (verb === 'HELO') say(script.HELO ?? '250 host.test', line);
      else if (verb === 'MAIL') {
        recipients = [];
        say(script.MAIL ?? '250 2.1.0 ok', line);
      } else if (verb === 'RCPT') {
        if (say(script.RCPT ?? '250 2.1.5 ok', line).startsWith('250')) recipients.push(line);
      } else if (verb === 'DATA') {
        const fallback = recipients.length > 0 ? '354 go on' : '503 5.5.1 no recipients';
        inData = say(script.DATA ?? fallback, line).startsWith('354');
      } else if (verb === 'QUIT') {
        socket.end('221 bye\r\n');
      } else say('250 2.0.0 ok', line);
    };
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      while (!deaf) {
        if (inData) {
          const end = buffered.startsWith('.\r\n') ? 0 : buffered.indexOf('\r\n.\r\n') + 2;
          if (end === 1) return;
          this.messages.push(buffered.slice(0, end));
          buffered = buffered.slice(end + 3);
          inData = false;
          const told = this.#script.dot ?? '250 2.0.0 taken';
          if (this.#script.lmtp === true) for (const one of recipients) say(told, one);
          else say(told);
        } else {
          const end = buffered.indexOf('\r\n');
          if (end < 0) return;
          const line = buffered.slice(0, end);
          buffered = buffered.slice(end + 2);
          command(line);
        }
      }
    });
    say(this.#script.greeting ?? '220 host.test ESMTP');
  }
}
