/** A directory as recipient source (RFC 4511): a bind that may read, and one search for each address. */
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { Client } from 'ldapts';
import { sayHostPort } from '../../config/host-port.ts';
import { fillFilter } from '../../config/ldap-filter.ts';
import type { LdapSource } from '../../config/live-source.ts';
import { foldAscii } from '../../mail/address.ts';
import type { AskedAddress, RecipientClient } from '../../ports/recipients.ts';
import { SourceError } from '../../ports/recipients.ts';
import { type Allowance, guarded } from './guarded-socket.ts';
import { type HeldClient, HeldClients } from './held-clients.ts';
import { LineWatch } from './line-watch.ts';
import { authorities, secretAt, troubleOf } from './secrets.ts';

/** One address stands in few entries, of which only the names come: a kilobyte each at most. */
const ANSWER_MAX = 256 << 10;
/** No attribute of an entry is wanted (RFC 4511 §4.5.1.8). */
const NO_ATTRIBUTES = ['1.1'];

type Server = LdapSource['servers'][number];

export function ldapClient(source: LdapSource): RecipientClient {
  /** The one that answered last is asked first: a dead one costs its time once. */
  let first = 0;
  return new HeldClients(async (signal) => {
    const { servers } = source;
    const told: string[] = [];
    for (let n = 0; n < servers.length; n++) {
      const at = (first + n) % servers.length;
      // One that hangs must leave time for the others.
      const share = AbortSignal.any([signal, AbortSignal.timeout(source.timeout / servers.length)]);
      try {
        const held = await openAt(source, servers[at]!, share);
        first = at;
        return held;
      } catch (error) {
        if (signal.aborted || servers.length === 1) throw error;
        told.push(`${sayHostPort(servers[at]!)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new SourceError('down', told.join('; '));
  });
}

async function openAt(source: LdapSource, server: Server, signal: AbortSignal): Promise<HeldClient> {
  const { host, port, tls } = server;
  const secret = secretAt(source.password);
  const trust: ConnectionOptions = {
    host,
    // RFC 6066 §3: no address stands in SNI; its certificate is proved by `host`.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: authorities(source.caFile),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  };
  const allowance: Allowance = { left: ANSWER_MAX };
  const socket = guarded<Socket>(
    tls === 'implicit' ? tlsConnect({ ...trust, port }) : tcpConnect({ host, port, noDelay: true }),
    allowance,
  );
  const watch = new LineWatch(socket);
  const wrapped = (options: ConnectionOptions): Socket => {
    const secure = guarded<Socket>(tlsConnect(options), allowance);
    watch.watch(secure);
    return secure;
  };
  const client = new Client({
    url: `${tls === 'implicit' ? 'ldaps' : 'ldap'}://${sayHostPort(server)}`,
    createConnection: (() => socket) as unknown as typeof tcpConnect,
    createSecureConnection: ((options: ConnectionOptions) =>
      // Over LDAPS the socket is made already; after StartTLS (RFC 4511 §4.14) it is wrapped.
      options.socket === undefined ? socket : wrapped(options)) as unknown as typeof tlsConnect,
  });
  try {
    await watch.run(signal, async () => {
      if (tls === 'starttls') await client.startTLS({ ...trust });
      if (source.bindDn !== '') await client.bind(source.bindDn, secret ?? '');
    });
  } catch (error) {
    watch.destroy();
    throw troubleOf(error, secret);
  }
  return {
    get broken() {
      return watch.broken;
    },
    ask: async (asked, within) => {
      allowance.left = ANSWER_MAX;
      try {
        return await watch.run(within, () => search(client, source, asked));
      } catch (error) {
        throw troubleOf(error, secret);
      }
    },
    close: () => watch.close(),
  };
}

async function search(client: Client, source: LdapSource, asked: AskedAddress): Promise<'known' | 'unknown'> {
  const { searchEntries } = await client.search(source.base, {
    scope: 'sub',
    filter: fillFilter(source.filter, { ...asked, local: foldAscii(asked.local) }),
    attributes: NO_ATTRIBUTES,
    timeLimit: Math.ceil(source.timeout / 1000),
  });
  // References to other servers are not followed: who is known there stands in a source of its own.
  return searchEntries.length > 0 ? 'known' : 'unknown';
}
