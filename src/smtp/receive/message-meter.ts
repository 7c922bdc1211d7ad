/** Measures a message as it comes: header section, each field, each line. It never folds or cuts: signatures must survive. */
import type { ReceiveLimits } from './limits.ts';

export type Excess = 'header-too-large' | 'too-many-header-lines' | 'header-field-too-large' | 'line-too-long';

export class MessageMeter {
  readonly #limits: Pick<ReceiveLimits, 'headerBytes' | 'headerFieldBytes' | 'headerLines' | 'lineBytes'>;
  #inHeader = true;
  #header = 0;
  #headerLines = 0;
  #field = 0;
  /** Octets of the line whose end has not come. */
  #line = 0;

  constructor(limits: Pick<ReceiveLimits, 'headerBytes' | 'headerFieldBytes' | 'headerLines' | 'lineBytes'>) {
    this.#limits = limits;
  }

  /** The next octets of the content, whose lines end in CR LF; undefined while all fits. */
  take(content: Uint8Array): Excess | undefined {
    let at = 0;
    while (this.#inHeader && at < content.length) {
      const newline = content.indexOf(LF, at);
      const end = newline < 0 ? content.length : newline + 1;
      // A line that begins with white space goes on with the field before it (RFC 5322 §2.2.3).
      if (this.#line === 0 && content[at] !== SPACE && content[at] !== TAB) this.#field = 0;
      this.#line += end - at;
      this.#field += end - at;
      this.#header += end - at;
      if (this.#header > this.#limits.headerBytes) return 'header-too-large';
      if (this.#field > this.#limits.headerFieldBytes) return 'header-field-too-large';
      if (this.#line > this.#limits.lineBytes) return 'line-too-long';
      at = end;
      if (newline < 0) break;
      if (++this.#headerLines > this.#limits.headerLines) return 'too-many-header-lines';
      this.#inHeader = this.#line > 2; // only the blank line is as short as its CR LF (RFC 5322 §2.1)
      this.#line = 0;
    }
    return this.#lines(content, at) ? undefined : 'line-too-long';
  }

  /** Whether the lines from `at` on fit. Of a piece no longer than one line may be, only its ends can be too long a line's. */
  #lines(content: Uint8Array, at: number): boolean {
    const most = this.#limits.lineBytes;
    let from = at;
    while (from < content.length) {
      const newline = content.indexOf(LF, from);
      if (newline < 0) {
        this.#line += content.length - from;
        return this.#line <= most;
      }
      if (this.#line + newline + 1 - from > most) return false;
      this.#line = 0;
      from = content.length - newline > most ? newline + 1 : content.lastIndexOf(LF) + 1;
    }
    return true;
  }
}

const TAB = 0x09;
const LF = 0x0a;
const SPACE = 0x20;
