/** What we show of ourselves where a host asks for a certificate in TLS (RFC 8446 §4.3.2). */
import type { CertificateFiles } from '../queue/route.ts';

export interface ClientIdentity {
  /** In PEM: ours, then its issuers. */
  readonly certificate: string;
  /** In PEM. A secret: it goes into the handshake and nowhere else. */
  readonly key: string;
}

/** As they are now; undefined where the files hold no sound pair and never held one. */
export type IdentityOf = (files: CertificateFiles) => ClientIdentity | undefined;
