/** A line to a directory (RFC 4511): encrypted as its address says, bounded in what it may answer, ended when time is over. */
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { Client } from 'ldapts';
import { sayHostPort } from '../../config/host-port.ts';
import type { LdapServer } from '../../config/live-source.ts';
import { type Allowance, guarded } from './guarded-socket.ts';
import { LineWatch } from './line-watch.ts';

export class LdapLine {
  readonly client: Client;
  readonly #server: LdapServer;
  readonly #trust: ConnectionOptions;
  readonly #allowance: Allowance = { left: 0 };
  readonly #watch: LineWatch;

  /** `ca`: who may have signed its certificate; undefined: those this machine trusts. */
  constructor(server: LdapServer, ca: string | undefined) {
    const { host, port, tls } = server;
    this.#server = server;
    this.#trust = {
      host,
      // RFC 6066 §3: no address stands in SNI; its certificate is proved by `host`.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ca,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    };
    const socket = guarded<Socket>(
      tls === 'implicit' ? tlsConnect({ ...this.#trust, port }) : tcpConnect({ host, port, noDelay: true }),
      this.#allowance,
    );
    this.#watch = new LineWatch(socket);
    const wrapped = (options: ConnectionOptions): Socket => {
      const secure = guarded<Socket>(tlsConnect(options), this.#allowance);
      this.#watch.watch(secure);
      return secure;
    };
    this.client = new Client({
      url: `${tls === 'implicit' ? 'ldaps' : 'ldap'}://${sayHostPort(server)}`,
      strictDN: false,
      createConnection: (() => socket) as unknown as typeof tcpConnect,
      createSecureConnection: ((options: ConnectionOptions) =>
        // Over LDAPS the socket is made already; after StartTLS (RFC 4511 §4.14) it is wrapped.
        options.socket === undefined ? socket : wrapped(options)) as unknown as typeof tlsConnect,
    });
  }

  get broken(): boolean {
    return this.#watch.broken;
  }

  /** Work that may be answered with so many octets. Rejects when time is over, whatever the library makes of it. */
  run<T>(signal: AbortSignal, octetsMax: number, work: () => Promise<T>): Promise<T> {
    this.#allowance.left = octetsMax;
    return this.#watch.run(signal, work);
  }

  /** Nothing is said before it. */
  async secure(): Promise<void> {
    if (this.#server.tls === 'starttls') await this.client.startTLS({ ...this.#trust });
  }

  /** What was written goes out first. */
  close(): void {
    this.#watch.close();
  }

  destroy(): void {
    this.#watch.destroy();
  }
}
