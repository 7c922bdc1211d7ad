/** Commands out and replies in, in order: the part of SMTP that is the same for every command. */
import { hushing } from '../../mail/hush.ts';
import { parseReply, type Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import type { Line } from '../../ports/dial.ts';

/** Longer than the 512 octets of RFC 5321 §4.5.3.1.5, since some hosts do not keep to them. */
const REPLY_LINE_MAX = 4096;
/** An EHLO reply has about fifteen lines; what goes on for ever is no reply. */
const REPLY_LINES_MAX = 128;
/** Replies that nobody has asked for yet: a hundred recipients and sixteen chunks may be answered ahead. */
const UNHEARD_MAX = 1000;
/** Of these, all together: a host that talks on for ever must not fill our memory. */
const UNHEARD_OCTETS_MAX = 1024 * 1024;

/** Three digits and what tells the last line (RFC 5321 §4.2). */
const CODE = 4;

export type Heard =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly lines: readonly string[] }
  | { readonly kind: 'broken'; readonly why: string };

export class Conversation {
  readonly line: Line;
  #hush: ((text: string) => string) | undefined;
  #rest = '';
  #lines: string[] = [];
  readonly #replies: Heard[] = [];
  /** Octets of `#replies`. */
  #unheard = 0;
  #waiting: ((heard: Heard) => void) | undefined;
  #broken: string | undefined;

  constructor(line: Line) {
    this.line = line;
    line.listen({ heard: (octets) => this.#take(octets), ended: (why) => this.break(why) });
  }

  /** What the host is told and may repeat: its replies go on record, and to senders. */
  set secret(secret: string) {
    this.#hush = secret === '' ? undefined : hushing([secret]);
  }

  /** Why nothing more will be heard; undefined while the line stands. */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** Something was said that nobody asked for: such a line is not used again. */
  get outOfStep(): boolean {
    return this.#replies.length > 0 || this.#rest !== '' || this.#lines.length > 0;
  }

  send(text: string): void {
    if (this.#broken === undefined) this.line.write(text);
  }

  /** The next reply; a line that stays silent longer than `deadline` is broken. */
  hear(deadline: Millis, what: string): Promise<Heard> {
    const ready = this.#replies.shift();
    if (this.#replies.length === 0) this.#unheard = 0;
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#broken !== undefined) return Promise.resolve({ kind: 'broken', why: this.#broken });
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.break(`no answer to ${what} within ${deadline / 1000} s`), deadline);
      this.#waiting = (heard) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(heard);
      };
    });
  }

  /** Nothing more is said or heard. */
  break(why: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = why;
    this.line.destroy();
    this.#waiting?.({ kind: 'broken', why });
  }

  /** Says goodbye and hears nothing more: the answer to QUIT changes nothing. */
  leave(): void {
    if (this.#broken !== undefined) return;
    this.send('QUIT\r\n');
    this.#broken = 'we have left';
    this.#replies.length = 0;
    this.line.end();
  }

  #take(octets: Uint8Array): void {
    if (this.#broken !== undefined) return;
    let text = this.#rest + Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      this.#takeLine(text.slice(0, text[end - 1] === '\r' ? end - 1 : end));
      if (this.#broken !== undefined) return;
      text = text.slice(end + 1);
    }
    this.#rest = text;
    if (text.length > REPLY_LINE_MAX) this.break(`a reply line of more than ${REPLY_LINE_MAX} octets`);
  }

  #takeLine(line: string): void {
    const text = /[\x80-\xff]/.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line;
    // Not in the code: a secret may be a number.
    this.#lines.push(this.#hush === undefined ? text : text.slice(0, CODE) + this.#hush(text.slice(CODE)));
    if (this.#lines.length > REPLY_LINES_MAX) this.break(`a reply of more than ${REPLY_LINES_MAX} lines`);
    else if (line[3] !== '-') this.#takeReply(line);
  }

  #takeReply(last: string): void {
    const lines = this.#lines;
    this.#lines = [];
    const heard = { kind: 'reply', reply: parseReply(lines), lines } as const;
    // "The format for multiline replies requires that every line, except the last, begin with the reply code" (RFC 5321
    // §4.2.1): who says two codes has said neither.
    const one = lines.every((line) => line.startsWith(last.slice(0, 3)));
    if (!one || !/^[2-5]\d\d(?: |$)/.test(last))
      this.break(`no reply of SMTP: ${JSON.stringify((lines.at(-1) ?? '').slice(0, 200))}`);
    else if (this.#waiting === undefined) this.#keep(heard);
    else this.#waiting(heard);
  }

  #keep(heard: Heard & { readonly kind: 'reply' }): void {
    this.#replies.push(heard);
    this.#unheard += heard.lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#replies.length > UNHEARD_MAX || this.#unheard > UNHEARD_OCTETS_MAX)
      this.break('it goes on answering what it was not asked');
  }
}
