/** The body hashes of mailauth, which come without types. */
declare module 'mailauth/lib/dkim/body/index.js' {
  export interface BodyHash {
    readonly canonicalizedLength: number;
    update(piece: Buffer): void;
    digest(encoding: 'base64'): string;
  }
  export function dkimBody(canonicalization: 'simple' | 'relaxed', algorithm: string, length: number | ''): BodyHash;
}
declare module 'mailauth/lib/dkim/body/relaxed.js' {
  export class RelaxedHash {
    update(piece: Buffer | null, final?: boolean): void;
  }
}
