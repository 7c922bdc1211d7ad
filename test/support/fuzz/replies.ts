/** What a client hears, held to the rules of replies (RFC 5321 §4.2, RFC 3463, RFC 2034). */

export class HeardReplies {
  /** Whole replies so far. */
  whole = 0;
  /** Of the last whole one. */
  last = '';
  /** 220 to STARTTLS was the last word in plain text. */
  upgrading = false;
  /** Ids of what was said to be queued. */
  readonly queued: string[] = [];
  readonly codes = new Map<number, number>();
  readonly #wrong: (what: string) => void;
  #rest = '';
  #code = '';
  #over = '';

  constructor(wrong: (what: string) => void) {
    this.#wrong = wrong;
  }

  take(octets: string): void {
    const text = this.#rest + octets;
    let at = 0;
    for (;;) {
      const end = text.indexOf('\n', at);
      if (end < 0) break;
      this.#line(text.slice(at, end + 1));
      at = end + 1;
    }
    this.#rest = text.slice(at);
  }

  /** The server closed, and the client had not left before. */
  ended(): void {
    if (this.#rest !== '') this.#wrong(`a reply was cut: ${JSON.stringify(this.#rest)}`);
    if (this.#code !== '') this.#wrong(`a reply of several lines was cut after ${this.#code}`);
  }

  #line(line: string): void {
    const shown = JSON.stringify(line.slice(0, 200));
    if (this.#over !== '') this.#wrong(`after ${this.#over} the server said ${shown}`);
    const parts = REPLY.exec(line);
    if (parts === null) {
      this.#wrong(`not a reply: ${shown}`);
      return;
    }
    if (line.length > 512) this.#wrong(`a reply of ${line.length} octets: ${shown}`); // RFC 5321 §4.5.3.1.5
    const [, code, mark, text] = parts as unknown as [string, string, string, string];
    if (this.#code !== '' && this.#code !== code) this.#wrong(`a reply that began with ${this.#code} went on ${shown}`);
    const enhanced = /^(\d)\.\d{1,3}\.\d{1,3}(?: |$)/.exec(text)?.[1];
    if (enhanced === undefined ? code >= '400' : enhanced !== code[0])
      this.#wrong(`no enhanced code of its class: ${shown}`);
    this.#code = mark === '-' ? code : '';
    if (mark === '-') return;
    this.whole += 1;
    this.last = line;
    this.codes.set(Number(code), (this.codes.get(Number(code)) ?? 0) + 1);
    if (code === '221' || code === '421') this.#over = code;
    if (line === '220 2.0.0 ready to start TLS\r\n') this.upgrading = true;
    const id = /^250 2\.0\.0 queued as (\S+)\r\n$/.exec(line)?.[1];
    if (id !== undefined) this.queued.push(id);
  }
}

const REPLY = /^([2-5]\d\d)([- ])([\x20-\x7e]*)\r\n$/;
