/** How we speak TLS to clients: Mozilla's intermediate profile without finite-field Diffie-Hellman, the order ours. */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** In PEM. Throws where OpenSSL does not take them. `clientCa`: whose certificates of clients are believed; the public authorities' where there is none. */
export const secureContext = (certificate: string, key: string, clientCa = ''): SecureContext =>
  createSecureContext({
    cert: certificate,
    key,
    ...(clientCa === '' ? {} : { ca: clientCa }),
    // Without one, a client that showed a certificate could not resume its session.
    sessionIdContext: 'postern',
    minVersion: 'TLSv1.2', // RFC 8996: nothing older may be spoken
    ciphers: CIPHERS.join(':'),
    honorCipherOrder: true,
    // A client that renegotiates (TLS 1.2) gets an alert: nothing of ours needs it, and each costs us more than it (CVE-2011-1473).
    // Compression tells an onlooker what is inside (CVE-2012-4929).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    // Seconds. Keys of session tickets live as long as the context, which is made anew every hour (certificates.ts).
    sessionTimeout: 300,
  });

/** All authenticated, all with forward secrecy. DHE is left out: its exponent costs a stranger nothing and us much (CVE-2002-20001). */
const CIPHERS = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
];
