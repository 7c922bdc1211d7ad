/** Transfer encodings taken off as lenient readers take them (RFC 2045 §6), piece by piece. */

export type DecodeFlaw = 'broken-base64' | 'data-after-padding' | 'broken-quoted-printable';

export interface Decoder {
  write(chunk: Uint8Array, out: (octets: Uint8Array) => void): void;
  end(out: (octets: Uint8Array) => void): void;
  readonly flaws: ReadonlySet<DecodeFlaw>;
}

export function decoderFor(encoding: 'base64' | 'quoted-printable' | 'identity'): Decoder {
  switch (encoding) {
    case 'base64':
      return new Base64();
    case 'quoted-printable':
      return new QuotedPrintable();
    case 'identity':
      return { write: (chunk, out) => out(chunk), end: () => {}, flaws: new Set() };
  }
}

const latin1 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');

/** All but the alphabet is passed over, padding in the middle too: what follows it is decoded on. */
class Base64 implements Decoder {
  readonly flaws = new Set<DecodeFlaw>();
  #rest = '';
  #padded = false;

  write(chunk: Uint8Array, out: (octets: Uint8Array) => void): void {
    const text = latin1(chunk).replace(/[\r\n\t ]+/g, '');
    const padding = text.indexOf('=');
    if (padding < 0) {
      this.#take(text, out);
      return;
    }
    // A run ends at its padding, and another may follow. Runs are short where somebody wants them to cost: they leave together.
    const runs: Uint8Array[] = [];
    const gather = (octets: Uint8Array): void => {
      runs.push(octets);
    };
    let from = 0;
    for (let at = padding; at >= 0; at = text.indexOf('=', from)) {
      if (at > from) this.#take(text.slice(from, at), gather);
      this.#flush(gather);
      this.#padded = true;
      from = at;
      while (text[from] === '=') from++;
    }
    if (from < text.length) this.#take(text.slice(from), gather);
    if (runs.length > 0) out(Buffer.concat(runs));
  }

  end(out: (octets: Uint8Array) => void): void {
    this.#flush(out);
  }

  #take(text: string, out: (octets: Uint8Array) => void): void {
    if (text === '') return;
    if (this.#padded) this.flaws.add('data-after-padding');
    let letters = text;
    if (/[^A-Za-z0-9+/]/.test(text)) {
      this.flaws.add('broken-base64');
      letters = text.replace(/[^A-Za-z0-9+/]+/g, '');
    }
    const all = this.#rest === '' ? letters : this.#rest + letters;
    const whole = all.length - (all.length % 4);
    this.#rest = all.slice(whole);
    if (whole > 0) out(Buffer.from(whole === all.length ? all : all.slice(0, whole), 'base64'));
  }

  #flush(out: (octets: Uint8Array) => void): void {
    if (this.#rest.length > 1) out(Buffer.from(this.#rest, 'base64'));
    this.#rest = '';
  }
}

/** A soft line break with the blanks that may follow its `=`; a line has 76 (RFC 2045 §6.7 (5)). */
const SOFT_MAX = 100;

class QuotedPrintable implements Decoder {
  readonly flaws = new Set<DecodeFlaw>();
  #rest = '';

  write(chunk: Uint8Array, out: (octets: Uint8Array) => void): void {
    const text = this.#rest + latin1(chunk);
    const open = text.lastIndexOf('=');
    // What may still become a soft break or an octet waits, and blanks that may end a line.
    let whole = text.length;
    if (open >= 0 && text.length - open < SOFT_MAX && /^=(?:[0-9A-Fa-f]?|[ \t]*\r?)$/.test(text.slice(open)))
      whole = open;
    else {
      const bare = text.length - Math.min(SOFT_MAX, text.length);
      const blanks = /[ \t]+\r?$/.exec(text.slice(bare));
      if (blanks !== null) whole = bare + blanks.index;
    }
    this.#rest = text.slice(whole);
    if (whole > 0) out(this.#decoded(text.slice(0, whole)));
  }

  end(out: (octets: Uint8Array) => void): void {
    if (this.#rest !== '') out(this.#decoded(this.#rest));
    this.#rest = '';
  }

  #decoded(text: string): Buffer {
    const plain = withoutBlanksAtEnds(text)
      .replace(/=\r?\n/g, '')
      .replace(/=([0-9A-Fa-f]{2})?/g, (found, hex: string | undefined) => {
        if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
        this.flaws.add('broken-quoted-printable');
        return found;
      });
    return Buffer.from(plain, 'latin1');
  }
}

/** White space at the end of a line is no text (RFC 2045 §6.7 (3)). Looked for from each end of line back, so that blanks cost once. */
function withoutBlanksAtEnds(text: string): string {
  let kept = '';
  let from = 0;
  for (let lf = text.indexOf('\n'); lf >= 0; lf = text.indexOf('\n', lf + 1)) {
    const breakAt = text[lf - 1] === '\r' ? lf - 1 : lf;
    let end = breakAt;
    while (end > from && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
    if (end === breakAt) continue;
    kept += text.slice(from, end);
    from = breakAt;
  }
  return from === 0 ? text : kept + text.slice(from);
}
