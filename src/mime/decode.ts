/** Transfer encodings taken off as lenient readers take them (RFC 2045 §6), piece by piece. */
import { Base64 } from './base64-decoder.ts';
import { QuotedPrintable } from './quoted-printable-decoder.ts';

export type DecodeFlaw = 'broken-base64' | 'data-after-padding' | 'broken-quoted-printable';

export interface Decoder {
  /** At most one call of `out`, however the octets are cut. What it is given stands until the next piece: whoever keeps it copies. */
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
