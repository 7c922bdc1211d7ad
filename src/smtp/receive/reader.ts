/** Cuts what comes from the socket into command lines and message octets; the next piece waits until this one is answered. */
import { isAscii, isUtf8 } from 'node:buffer';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { Dialogue } from './dialogue.ts';
import { giveBack } from './give-back.ts';
import type { Newline } from './incoming-message.ts';

/** The connection, as the reader sees it. */
export interface ReaderHost {
  readonly dialogue: Dialogue;
  readonly newline: Newline;
  readonly commandLineBytes: number;
  /** Something came. */
  heard(): void;
  /** What came is answered. Resolves when the replies are on their way and more may be read. */
  answered(more: boolean): Promise<void> | undefined;
  /** Awaits the spool, within its deadline. */
  spooled(drained: Promise<void>): Promise<void>;
  failed(error: unknown): void;
  /** The peer closed its side, and everything before that is answered. */
  finished(): void;
}

/**
 * In place of smtp-server's parser: its data path handles dots one by one, and its lines may end in a bare LF. What is kept of a
 * segment is copied, and the segment given back.
 */
export class Reader extends SMTPStream {
  readonly #host: ReaderHost;
  #open: boolean;
  #held: (() => void) | undefined;
  /** The beginning of a line whose end has not come. */
  #partial: Uint8Array = NOTHING;
  /** Octets of the current segment behind the current line. */
  #behind = 0;
  #segmentBytes = 0;
  /** Commands since the event loop had a turn. */
  #burst = 0;

  constructor(host: ReaderHost, open: boolean) {
    super({ highWaterMark: 64 * 1024 });
    this.#host = host;
    this.#open = open;
  }

  /** Reading begins: the greeting is out. */
  open(): void {
    this.#open = true;
    this.#held?.();
    this.#held = undefined;
  }

  /** Octets came behind the line that is being answered. */
  get ahead(): boolean {
    return this.#behind > 0 || this.writableLength > this.#segmentBytes;
  }

  /** The beginning of a command line is here and its end is not. */
  get halfway(): boolean {
    return this.#partial.length > 0;
  }

  override _write(segment: Buffer, _encoding: BufferEncoding, next: (error?: Error | null) => void): void {
    if (!this.#open) {
      this.#held = () => this._write(segment, _encoding, next);
      return;
    }
    this.#host.heard();
    this.#segmentBytes = segment.length;
    this.#take(segment).then(
      () => {
        giveBack(segment);
        next();
      },
      (error: unknown) => {
        this.#host.failed(error);
        next();
      },
    );
  }

  override _flushData(): void {
    this.#host.finished();
  }

  async #take(segment: Buffer): Promise<void> {
    const { dialogue } = this.#host;
    const { mail } = dialogue;
    let at = 0;
    while (at < segment.length && !this.isClosed) {
      const message = mail.message;
      if (message !== undefined) {
        const end = message.take(at === 0 ? segment : segment.subarray(at));
        if (end >= 0) {
          at += end;
          this.#behind = segment.length - at;
          await mail.ended();
          continue;
        }
        if (message.tiresome) mail.giveUp();
        else if (message.full) await this.#host.spooled(message.drained());
        break;
      }
      const chunk = mail.chunk;
      if (chunk !== undefined) {
        at += chunk.take(at === 0 ? segment : segment.subarray(at));
        this.#behind = segment.length - at;
        if (chunk.message?.tiresome && chunk.left > 0) mail.giveUp();
        else if (chunk.message?.full) await this.#host.spooled(chunk.message.drained());
        if (chunk.left === 0) await mail.chunkEnded();
        continue;
      }
      const newline = segment.indexOf(LF, at);
      const upto = newline < 0 ? segment.length : newline + 1;
      const piece = segment.subarray(at, upto);
      const line = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece]);
      at = upto;
      this.#behind = segment.length - at;
      if (line.length > this.#host.commandLineBytes) {
        dialogue.refuse('command-too-long', 'other', line.toString('latin1', 0, SAID_MAX));
        break;
      }
      if (newline < 0) {
        this.#partial = Uint8Array.from(line);
        break;
      }
      this.#partial = NOTHING;
      await this.#command(line);
      // A segment holds ten thousand commands, and what answers them may never wait for anything: others come in between.
      if (++this.#burst % BURST === 0) await turn();
    }
    this.#behind = 0;
    await this.#host.answered(this.writableLength > segment.length);
  }

  /** `line` ends in LF. */
  async #command(line: Buffer): Promise<void> {
    const { dialogue, newline } = this.#host;
    const proper = line.length > 1 && line[line.length - 2] === CR;
    const octets = line.subarray(0, line.length - (proper ? 2 : 1));
    const said = octets.toString('latin1');
    // RFC 5321 §2.3.8: CR and LF come together or not at all.
    if (newline === 'strict' && (!proper || said.includes('\r')))
      return dialogue.refuse('bare-newline-command', 'other', said);
    if (CONTROL.test(said)) return dialogue.refuse('control-character', 'other', said);
    if (isAscii(octets)) return dialogue.command(said);
    if (!isUtf8(octets)) return dialogue.refuse('not-utf8', 'other', said);
    return dialogue.command(octets.toString('utf8'));
  }
}

/** Commands answered in one turn of the event loop: some milliseconds' worth with every check answered from memory. */
const BURST = 50;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const LF = 0x0a;
const CR = 0x0d;
const CONTROL = /[\x00-\x1f\x7f]/;
const NOTHING = new Uint8Array(0);
const SAID_MAX = 512;
