/** Certificates made on the spot, each with a key of its own, and clients that speak TLS. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { secureContext } from '../../src/adapters/tls/secure-context.ts';
import { selfSigned } from '../../src/adapters/tls/self-signed.ts';
import { days } from '../../src/mail/time.ts';
import { Client } from './receiver.ts';

export interface MadePair {
  readonly certificate: string;
  readonly key: string;
}

const YEARS = 365;

/** Expired: made so long ago; early: made so late. */
export function makePair(name: string, time: 'valid' | 'expired' | 'early' = 'valid'): MadePair {
  const shift = { valid: 0, expired: -11 * YEARS, early: YEARS }[time];
  const text = selfSigned(name, Date.now() + days(shift));
  const at = text.indexOf('-----BEGIN CERTIFICATE');
  return { key: text.slice(0, at), certificate: text.slice(at) };
}

export function contextOf({ certificate, key }: MadePair): SecureContext {
  return secureContext(certificate, key);
}

export interface SecureClient extends Client {
  readonly socket: TLSSocket;
}

const open = new Set<Socket>();

/** Whatever this module connected is gone. */
export function endClients(): void {
  for (const socket of open) socket.destroy();
  open.clear();
}

/** Shakes hands over a connection on which nothing is under way; rejects when the server does not. */
export async function secured(plain: Socket, options: ConnectionOptions = {}): Promise<SecureClient> {
  for (const event of ['data', 'end', 'close', 'error']) plain.removeAllListeners(event);
  const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
  open.add(socket);
  const client = new Client(socket) as SecureClient;
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
    socket.once('close', () => reject(new Error('closed during the handshake')));
  });
  return client;
}

/** TLS from the first octet. */
export async function implicitly(port: number, options: ConnectionOptions = {}): Promise<SecureClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return secured(socket, options);
}

/** Greeting, EHLO, STARTTLS and the handshake. */
export async function upgraded(client: Client, options: ConnectionOptions = {}): Promise<SecureClient> {
  await client.reply();
  await client.ask('EHLO client.example.net');
  const reply = await client.ask('STARTTLS');
  if (reply?.startsWith('220') !== true) throw new Error(`STARTTLS was answered ${reply}`);
  return secured(client.socket, options);
}

/** The name in the certificate that the server showed. */
export const shown = (client: SecureClient): string => String(client.socket.getPeerCertificate().subject.CN);
