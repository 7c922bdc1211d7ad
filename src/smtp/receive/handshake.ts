/** TLS as a listener offers it, and our side of one handshake (RFC 3207 §4, RFC 8314 §3). */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { TlsInfo } from './session.ts';

export interface TlsOffer {
  /** `implicit`: from the first octet. `required`: nothing is taken before STARTTLS. */
  readonly mode: 'opportunistic' | 'implicit' | 'required';
  /** For a new handshake; '' where the client names no server. Never throws. */
  contextFor(serverName: string): SecureContext;
}

export interface HandshakeEnd {
  secured(info: TlsInfo): void;
  /** The handshake failed, or TLS broke later: the socket is destroyed, and its 'close' comes. */
  failed(error: Error): void;
}

/** Takes over the socket, whose listeners must be gone. */
export function shakeHands(plain: Socket, offer: TlsOffer, end: HandshakeEnd): TLSSocket {
  const secure = new TLSSocket(plain, {
    isServer: true,
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
    if (!secure.destroyed) end.secured(infoOf(secure));
  });
  return secure;
}

/** IANA's name of the cipher suite (RFC 8314 §4.3). Certificates of clients are not asked for. */
const infoOf = (secure: TLSSocket): TlsInfo => ({
  version: secure.getProtocol() ?? '',
  cipher: secure.getCipher().standardName,
  clientVerified: false,
  clientName: '',
});
