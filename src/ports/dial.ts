/** A line to another host: octets out, octets in, encrypted when both agree. Who speaks over it knows no sockets. */
import type { Timestamp } from '../mail/time.ts';
import type { HostAddress, SourceAddresses } from '../queue/route.ts';
import type { ClientIdentity } from './client-identity.ts';

export interface LineListener {
  heard(octets: Uint8Array): void;
  /** Once: the other side ended it, or it broke. Nothing is heard after. */
  ended(why: string): void;
}

export interface Line {
  /** Call before anything is awaited, and again to hand the line to another listener. */
  listen(listener: LineListener): void;
  /** One write, one segment where it fits. True: the octets have left, and may be written into. Text goes as UTF-8. */
  write(octets: Uint8Array | string): boolean;
  /** Resolves when all that was written has left, or the line has ended. */
  drained(): Promise<void>;
  /** The handshake over this line; '' when it came about, else why not (the line is then of no use). */
  startTls(wants: TlsWants, signal: AbortSignal): Promise<string>;
  /** What the other side showed of itself in the handshake; undefined without one. */
  shown(): ShownCertificates | undefined;
  /** Sends what was written, then ends; waits for nothing. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
}

export interface ShownCertificates {
  /** In DER: the server's, then its issuers, completed by those this machine knows. */
  readonly chain: readonly Uint8Array[];
  /** Why it is not one we trust in the name that was wanted; '' where it is. */
  readonly distrust: string;
  /** When they were shown. */
  readonly at: Timestamp;
  /** `TLSv1.3`. */
  readonly protocol: string;
}

export interface TlsWants {
  readonly servername: string;
  /** The certificate must be one we trust, in this name. */
  readonly verified: boolean;
  /** Ours, for a host that asks for one; it is shown to no other. */
  readonly identity?: ClientIdentity | undefined;
  /** Why what is shown is not enough, '' where it is; asked before anything else is said over the line. */
  readonly distrust?: (shown: ShownCertificates) => string;
}

export type Dialled =
  | { readonly kind: 'open'; readonly line: Line }
  | { readonly kind: 'failed'; readonly why: string };

/** Where to, and from which of our addresses; a family that `source` does not name is not used. */
export type Destination = HostAddress & { readonly source?: SourceAddresses | undefined };

/** Never rejects. */
export type Dial = (to: Destination, signal: AbortSignal) => Promise<Dialled>;
