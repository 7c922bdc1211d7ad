/** One connection: smtp-server's handling of the socket and its close, with our dialogue, TLS, replies and deadlines. */
import type { Socket } from 'node:net';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { formatReply, type Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { Dialogue, type DialogueOptions } from './dialogue.ts';
import { shakeHands, type TlsOffer } from './handshake.ts';
import type { Newline } from './incoming-message.ts';
import type { Line } from './line.ts';
import type { Arriving } from './mail-transactions.ts';
import { Reader, type ReaderHost } from './reader.ts';
import { WIRE_REFUSALS } from './refusals.ts';
import type { ClientInfo, Heard } from './session.ts';

/** What a connection tells those who keep count of all. */
export interface House {
  closed(connection: Connection): void;
  tlsFailed(client: ClientInfo, why: string): void;
}

export class Connection extends SMTPConnection implements Line, ReaderHost {
  readonly dialogue: Dialogue;
  readonly newline: Newline;
  readonly commandLineBytes: number;
  readonly #options: DialogueOptions;
  readonly #log: Log;
  readonly #clock: Pick<Clock, 'elapsed' | 'sleep'>;
  readonly #house: House;
  readonly #client: ClientInfo;
  #reader: Reader;
  #replies = '';
  /** Who wants to know of the replies that are not sent yet. */
  #heard: Heard[] = [];
  #ended = false;
  /** Ends the wait before the greeting, where there is one. */
  #leaving: AbortController | undefined;
  #retiring = false;
  #answering = true;
  /** What `tick` measures; times are set by it, so that a command costs no look at the clock. */
  #watch: {
    spoke: boolean;
    idleSince: Millis;
    asking: Millis;
    askedAt: Millis | undefined;
    upgradingSince: Millis | undefined;
    halfSince: Millis | undefined;
  };
  /** The message or chunk that comes, and what had come of it when its window began. */
  #pace: { readonly of: Arriving; since: Millis; octets: number } | undefined;
  #overdue = false;
  #lingered = 0;
  readonly #openedAt: Millis;

  constructor(
    server: SMTPServer,
    socket: Socket,
    id: string,
    client: ClientInfo,
    options: DialogueOptions,
    log: Log,
    clock: Pick<Clock, 'elapsed' | 'sleep'>,
    house: House,
  ) {
    super(server, socket, { id });
    const at = clock.elapsed();
    this.#clock = clock;
    this.#options = options;
    this.#log = log;
    this.#house = house;
    this.#client = client;
    this.#openedAt = at;
    this.#watch = {
      spoke: false,
      idleSince: at,
      asking: 0,
      askedAt: undefined,
      upgradingSince: undefined,
      halfSince: undefined,
    };
    this.newline = options.newline;
    this.commandLineBytes = options.limits.commandLineBytes;
    this.#reader = parserOf(this);
    this.dialogue = new Dialogue(this, client, options);
  }

  /** In place of a wait of 100 ms: one turn of the event loop shows what a client has sent before the greeting. */
  override init(): void {
    const begin = () => setImmediate(() => void this.#begin());
    const { tls } = this.#options;
    if (tls?.mode === 'implicit') this.#secure(tls, begin);
    else this._setListeners(begin);
  }

  override _setListeners(ready: () => void): void {
    this._socket.on('close', () => this._onClose());
    this._socket.on('error', (error) => this._onError(error));
    this.#listen();
    ready();
  }

  override _createParser(): SMTPStream {
    return new Reader(this, false);
  }

  /** Deadlines are `tick`'s: a timer of the socket is set anew by every octet. */
  override _armTimeout(): void {}

  override _onClose(): void {
    super._onClose();
    this.#house.closed(this);
    this.#ended = true;
    this.#leaving?.abort();
    this.#forsake();
    this.dialogue.close();
  }

  /** What the base class says by itself, it says when all is lost. */
  override send(code: number, text?: string | string[]): void {
    this.say({ code, enhanced: code === 421 ? '4.3.0' : '', text: [text ?? ''].flat().join('\n') });
    if (code === 421) this.end();
  }

  say(reply: Reply, heard?: Heard): void {
    if (this.#ended || this._upgrading) heard?.('gone');
    else {
      this.#replies += formatReply(reply);
      if (heard !== undefined) this.#heard.push(heard);
    }
  }

  async ask<T>(span: Millis, answer: Promise<T>): Promise<T> {
    this.#watch.asking = span;
    this.#watch.askedAt = undefined;
    try {
      return await answer;
    } finally {
      this.#watch.asking = 0;
    }
  }

  ahead(): boolean {
    return this.#reader.ahead || this._socket.readableLength > 0;
  }

  spent(): boolean {
    return this.#overdue;
  }

  gone(): boolean {
    return this.#ended || this._socket.destroyed;
  }

  startTls(offer: TlsOffer): void {
    this.#flush();
    this.#secure(offer, () => this.#reader.open());
  }

  end(farewell = false): void {
    if (this.#ended) return;
    const more = this.ahead();
    this.#flush();
    this.#ended = true;
    this.#leaving?.abort();
    if (this._upgrading) this._socket.destroy(); // nothing can be said in the middle of a handshake
    // Many clients leave without waiting for 221, and their reset costs more than the rest of the session. But to close
    // over unread octets resets the connection, and the client might not hear its replies.
    if (farewell && !more) this._socket.destroySoon();
    else super.close();
    this.dialogue.close();
  }

  heard(): void {
    this.#watch.spoke = true;
    this.#answering = true;
  }

  answered(more: boolean): Promise<void> | undefined {
    this.#answering = false;
    if (this.#retiring && this.dialogue.mail.resting) this.dialogue.refuse('shutting-down', 'other', '');
    // One write for all replies of a pipelined group (RFC 2920 §3.2).
    const unread = this.#replies.length + this._socket.writableLength;
    if (more && unread <= UNREAD_OCTETS_MAX) return undefined;
    if (this.#flush() && !this._socket.writableNeedDrain) return undefined;
    // A client that does not read its replies is not listened to, however much it sends.
    return new Promise((resolve) => this._socket.once('drain', resolve));
  }

  spooled(drained: Promise<void>): Promise<void> {
    return this.ask(this.#options.limits.commit, drained);
  }

  failed(error: unknown): void {
    this.#log.error('smtp.session.failed', { client: this.#client.ip, error });
    this.#watch.asking = 0;
    if (this.gone()) return;
    try {
      this.dialogue.refuse('internal-error', 'other', '');
    } catch (second) {
      // The session cannot even put it on record: the peer still hears 421, never silence.
      this.#log.error('smtp.refusal.failed', { client: this.#client.ip, error: second });
      this.say(WIRE_REFUSALS['internal-error'].reply);
    }
    this.end();
  }

  finished(): void {
    this.end();
  }

  /** No more transactions: 421 now when nothing is in hand, else after what is. */
  retire(): void {
    this.#retiring = true;
    if (this.#answering || this.gone() || !this.dialogue.mail.resting) return;
    this.dialogue.refuse('shutting-down', 'other', '');
  }

  /** 421 whatever is in hand. */
  evict(): void {
    this.say(WIRE_REFUSALS['shutting-down'].reply);
    this.end();
  }

  /** Once a second: deadlines of hooks, of every kind of silence, of the handshake and of the session. `busy`: the house is nearly full. */
  tick(now: Millis, busy = false): void {
    if (this.#ended) return;
    const watch = this.#watch;
    const { limits } = this.#options;
    const { arriving } = this.dialogue.mail;
    if (watch.spoke) {
      watch.spoke = false;
      watch.idleSince = now;
    }
    if (this._upgrading) {
      watch.upgradingSince ??= now;
      if (now - watch.upgradingSince > limits.handshake) this._socket.destroy(new Error('handshake timeout'));
      return;
    }
    watch.upgradingSince = undefined;
    this.#overdue = now - this.#openedAt > limits.session;
    if (watch.asking > 0) {
      watch.askedAt ??= now;
      watch.idleSince = now; // the client waits for us
      this.#pace = undefined;
      if (now - watch.askedAt > watch.asking) this.#hang(watch.asking);
      else this.#flush(); // a slow hook does not keep earlier replies back
      return;
    }
    watch.halfSince = this.#reader.halfway ? (watch.halfSince ?? now) : undefined;
    const silence = arriving !== undefined ? limits.dataBlock : busy ? limits.idleBusy : limits.idle;
    if (now - watch.idleSince > silence) this.dialogue.refuse('timeout', 'other', '');
    else if (watch.halfSince !== undefined && now - watch.halfSince > limits.command)
      this.dialogue.refuse('timeout', 'other', '');
    else if (this.#overdue) this.dialogue.refuse('session-too-long', 'other', '');
    else if (arriving !== undefined && this.#isSlow(arriving, now)) this.dialogue.refuse('too-slow', 'other', '');
  }

  /** Averaged over windows that begin with the message or chunk: what came in the one that ends was too little. */
  #isSlow(of: Arriving, now: Millis): boolean {
    const { dataRateBytes, dataWindow } = this.#options.limits;
    const pace = this.#pace;
    if (pace?.of !== of) {
      this.#pace = { of, since: now, octets: of.received };
      return false;
    }
    if (now - pace.since < dataWindow) return false;
    const slow = of.received - pace.octets < (dataRateBytes * (now - pace.since)) / 1000;
    pace.since = now;
    pace.octets = of.received;
    return slow;
  }

  /** After our last word we read on for a while, as to close over unread octets would take it from the client; not for ever. */
  #linger(octets: number): void {
    this.#lingered += octets;
    if (this.#lingered > LINGER_OCTETS) this._socket.pause();
  }

  /** In place of a pipe, which adds and removes ten listeners a connection: back-pressure and the end are all we need. */
  #listen(): void {
    const socket = this._socket;
    const reader = this.#reader;
    socket.on('data', (segment) => {
      if (this.#ended) return this.#linger(segment.length);
      if (reader.write(segment)) return;
      socket.pause();
      reader.once('drain', () => socket.resume());
    });
    socket.on('end', () => {
      this.dialogue.hungUp();
      reader.end();
    });
  }

  #secure(offer: TlsOffer, ready: () => void): void {
    if (this.gone()) return;
    const plain = this._socket;
    plain.removeAllListeners();
    // Whatever was sent in plain text behind STARTTLS is dropped with the reader that holds it (CVE-2011-0411).
    this.#reader.isClosed = true;
    this.#reader = new Reader(this, false);
    this._parser = this.#reader;
    this._upgrading = true;
    this._socket = shakeHands(plain, offer, {
      secured: (info) => {
        this._upgrading = false;
        this.dialogue.secured(info);
        this.#listen();
        ready();
      },
      failed: (error) => {
        const why = (error as NodeJS.ErrnoException).code ?? error.message;
        // TLS that is broken later (garbage, an alert) is no better than a handshake that fails.
        if (!this._upgrading && !why.startsWith('ERR_SSL_')) return this._onError(error);
        this.#house.tlsFailed(this.#client, why);
      },
    });
    this._socket.on('close', () => this._onClose());
  }

  async #begin(): Promise<void> {
    if (this.gone()) return;
    try {
      if (this.#options.greetWait > 0 && !(await this.#waited(this.#options.greetWait))) return;
      await this.dialogue.greet(this.#reader.writableLength > 0);
      this.#answering = false;
      this.#flush();
      if (this.#retiring) this.retire();
      this.#reader.open();
    } catch (error) {
      this.failed(error);
    }
  }

  /** False: the client left meanwhile, or was told to. Whoever talks before the greeting waits for it like everybody. */
  async #waited(span: Millis): Promise<boolean> {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    try {
      await this.#clock.sleep(span, signal);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
    return !this.gone();
  }

  /** The hook is still running, so the session is not asked for its words. */
  #hang(span: Millis): void {
    this.#log.error('smtp.session.hangs', { client: this.#client.ip, span });
    this.say(WIRE_REFUSALS['internal-error'].reply);
    this.end();
  }

  /** False: the client is behind with reading. */
  #flush(): boolean {
    if (this.#replies === '' || this._upgrading) return true;
    const replies = this.#replies;
    this.#replies = '';
    if (!this._socket.writable) return true;
    if (this.#heard.length === 0) return this._socket.write(replies, 'latin1');
    const heard = this.#heard.splice(0);
    return this._socket.write(replies, 'latin1', (error) => {
      // What a client that has hung up was sent, nobody may have read.
      const came = error || this._socket.readableEnded ? 'gone' : 'said';
      for (const one of heard) one(came);
    });
  }

  /** What was kept back is not said any more. */
  #forsake(): void {
    for (const one of this.#heard.splice(0)) one('gone');
  }
}

/** Replies kept for a client that sends on and does not read: a pipelined group of the largest size is answered with less. */
const UNREAD_OCTETS_MAX = 64 * 1024;
/** Read and thrown away after the last reply; what a client has under way by then is in the kernels' buffers. */
const LINGER_OCTETS = 1024 * 1024;

/** The base class made it before our fields were there. */
const parserOf = (connection: SMTPConnection): Reader =>
  (connection as unknown as { readonly _parser: Reader })._parser;
