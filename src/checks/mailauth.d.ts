/** The parts of mailauth that come without types. */
declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  export interface SignatureHeader {
    readonly type: 'DKIM' | 'ARC';
    /** Set: the signature is left alone, its body is not hashed, its key not looked up; the text says why. */
    skip?: string;
    /** Set: it breaks a rule, its body is not hashed, its key not looked up. */
    invalid?: string;
    /** Tags as they were read. */
    readonly parsed?: { readonly [tag in 'bh' | 'h' | 'l']?: { readonly value: unknown } };
    readonly bodyHashKey?: string;
    readonly bodyCanon?: string;
    readonly hashAlgo?: string;
    readonly maxBodyLength?: number | '';
    readonly selector?: string;
    readonly signingDomain?: string;
  }
  export interface SignatureResult {
    readonly signingDomain?: string;
    readonly selector?: string;
    readonly algo?: string;
    readonly modulusLength?: number;
    readonly status: { readonly result: string; readonly comment?: string; readonly underSized?: number };
  }
  export interface ArcSet {
    readonly i: number;
    readonly 'arc-seal': { readonly parsed: { readonly d?: { readonly value?: unknown } } };
    readonly 'arc-authentication-results': {
      readonly parsed: {
        readonly dmarc?: {
          readonly value?: unknown;
          readonly header?: { readonly from?: unknown };
        };
      };
    };
  }
  export class DkimVerifier {
    constructor(options: {
      readonly resolver: (name: string, type: string) => Promise<unknown[]>;
      readonly strict: boolean;
      readonly curTime: Date;
    });
    /** False until the header section is whole; of what is written before, the pieces are kept. */
    readonly headers: unknown;
    readonly results: readonly SignatureResult[];
    readonly arc: { readonly chain: readonly ArcSet[] | false; readonly error?: Error; readonly lastEntry?: ArcSet };
    /** Takes octets as they come. */
    writeAsync(chunk: Buffer): Promise<void>;
    /** After the last octet: `results` and `arc` are whole. */
    finish(): Promise<void>;
    protected readonly signatureHeaders: readonly SignatureHeader[];
    protected readonly bodyHashes: Map<string, { readonly hash?: string; update(chunk: Buffer): void }>;
    nextChunk(chunk: Buffer): Promise<void>;
    finalChunk(): Promise<void>;
    verifySignature(header: SignatureHeader, fallback?: boolean): Promise<SignatureResult>;
    prepareSignature(header: SignatureHeader): void;
  }
}
