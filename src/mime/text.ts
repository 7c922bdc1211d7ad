/** The text of parts that people read, decoded from its character set, to a limit. */
import type { EntityHeader } from './entity-header.ts';
import type { Notes } from './notes.ts';

export class TextCollector {
  readonly #chunks: Uint8Array[] = [];
  readonly #charset: string;
  readonly #html: boolean;
  readonly #path: string;
  readonly #notes: Notes;

  private constructor(charset: string, html: boolean, path: string, notes: Notes) {
    this.#charset = charset;
    this.#html = html;
    this.#path = path;
    this.#notes = notes;
  }

  /** Undefined where nobody reads it as a text. */
  static for({ type, charset, disposition }: EntityHeader, path: string, notes: Notes): TextCollector | undefined {
    const html = type === 'text/html' || type === 'application/xhtml+xml';
    if (!html && (!type.startsWith('text/') || disposition === 'attachment')) return undefined;
    return new TextCollector(charset, html, path, notes);
  }

  write(octets: Uint8Array): void {
    const taken = octets.subarray(0, this.#notes.textLeft);
    if (taken.length < octets.length) this.#notes.textsCut = true;
    if (taken.length === 0) return;
    this.#notes.textLeft -= taken.length;
    this.#chunks.push(Uint8Array.from(taken)); // the chunk it is cut from is not kept for it
  }

  end(): void {
    const octets = Buffer.concat(this.#chunks);
    const decoder = decoderOf(this.#charset, octets);
    if (decoder === undefined) this.#notes.odd('unknown-charset', this.#path);
    const text = (decoder ?? LATIN1).decode(octets);
    // Browsers drop tabs and line breaks in an address (WHATWG URL, basic URL parser).
    if (
      this.#html &&
      /\bdata:(?!image\/|font\/|text\/css)[a-z0-9.+/;=_-]{0,200},/i.test(text.replace(/[\t\r\n]+/g, ''))
    )
      this.#notes.odd('html-data-file', this.#path);
    this.#notes.text({ part: this.#path, html: this.#html, text });
  }
}

const LATIN1 = new TextDecoder('latin1');
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined: a character set that we cannot read. Undeclared, UTF-8 where it fits. */
function decoderOf(charset: string, octets: Uint8Array): typeof LATIN1 | undefined {
  const name = charset.replace(/^["' ]+|["' ]+$/g, '');
  if (name !== '' && name !== 'us-ascii' && name !== 'ascii' && name !== 'ansi_x3.4-1968') {
    try {
      return new TextDecoder(name);
    } catch {
      return /^(?:unknown(?:-8bit)?|x-unknown|default|none|iso-8859-8-i|charset|default_charset)$/.test(name)
        ? LATIN1
        : undefined;
    }
  }
  try {
    UTF8.decode(octets);
    return new TextDecoder('utf-8');
  } catch {
    return LATIN1;
  }
}
