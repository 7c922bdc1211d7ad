/** TLS as a listener offers it, and our side of one handshake (RFC 3207 §4, RFC 8314 §3). */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsInfo } from './session.ts';

export interface TlsOffer {
  /** `implicit`: from the first octet. `required`: nothing is taken before STARTTLS. */
  readonly mode: 'opportunistic' | 'implicit' | 'required';
  /** For a new handshake; '' where the client names no server. Never throws. */
  contextFor(serverName: string): SecureContext;
  /** Undefined: certificates of clients are not asked for. `verified`: by the authorities of the context. */
  readonly judge?: ((shown: X509Certificate, verified: boolean) => ClientJudgement) | undefined;
}

/** What a client's certificate says and opens. */
export type ClientJudgement = Pick<TlsInfo, 'clientVerified' | 'clientName' | 'clientTrusted' | 'clientRelays'>;

export interface HandshakeEnd {
  secured(info: TlsInfo): void;
  /** The handshake failed, or TLS broke later: the socket is destroyed, and its 'close' comes. */
  failed(error: Error): void;
}

/** Takes over the socket, whose listeners must be gone. */
export function shakeHands(plain: Socket, offer: TlsOffer, end: HandshakeEnd): TLSSocket {
  const secure = new TLSSocket(plain, {
    isServer: true,
    // Who shows none is a client like any other.
    requestCert: offer.judge !== undefined,
    rejectUnauthorized: false,
    secureContext: offer.contextFor(''),
    SNICallback: (name, answer) => answer(null, offer.contextFor(name)),
  });
  let told = false;
  const failed = (error: Error): void => {
    if (told) return;
    told = true;
    // From above: Node crashes when the socket under a running handshake is torn away.
    secure.destroy();
    end.failed(error);
  };
  plain.on('error', () => {}); // TLS is told of it, and tells us
  // A failure before the handshake's end comes under the second name only.
  secure.on('error', failed).on('_tlsError', failed);
  // The socket may stay half open, as SMTP's may: who half-closes in a handshake has left it.
  const left = (): void => failed(new Error('the client left the handshake'));
  secure.once('end', left);
  secure.once('secure', () => {
    secure.off('end', left);
    if (!secure.destroyed) end.secured(infoOf(secure, offer.judge));
  });
  return secure;
}

/** IANA's name of the cipher suite (RFC 8314 §4.3). */
function infoOf(secure: TLSSocket, judge: TlsOffer['judge']): TlsInfo {
  const shown = judge && secure.getPeerX509Certificate();
  return {
    version: secure.getProtocol() ?? '',
    cipher: secure.getCipher().standardName,
    clientVerified: false,
    clientName: '',
    ...(shown === undefined ? {} : judge?.(shown, isVerified(secure))),
  };
}

/** `authorized` is set for sockets of Node's own servers alone; what OpenSSL found the handle knows for ours too. */
const isVerified = (secure: TLSSocket): boolean =>
  !(secure as unknown as { readonly _handle: { verifyError(): Error | null | undefined } })._handle.verifyError();
