/** PostgreSQL as recipient source: one bounded, read-only query with parameters for each address. */
import { isIP, Socket } from 'node:net';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { Client, Connection } from 'pg';
import type { SqlSource } from '../../config/live-source.ts';
import { boundQuery, isYes } from '../../config/sql-query.ts';
import { foldAscii } from '../../mail/address.ts';
import { type AskedAddress, type RecipientClient, SourceError } from '../../ports/recipients.ts';
import { type Allowance, guarded } from './guarded-socket.ts';
import { type HeldClient, HeldClients } from './held-clients.ts';
import { LineWatch } from './line-watch.ts';
import { authorities, secretAt, troubleOf } from './secrets.ts';

/** One row comes back, of a mailbox table or a view over it. */
const ANSWER_MAX = 256 << 10;
/** As PostgreSQL wrote it: what a type means is for `isYes`. */
const AS_TEXT = { getTypeParser: () => (value: string) => value };

export const sqlClient = (source: SqlSource): RecipientClient => new HeldClients((signal) => openSql(source, signal));

/** pg's parser throws at some kinds of nonsense, out of a listener of the socket: here it is caught. */
class GuardedConnection extends Connection {
  readonly #allowance: Allowance;
  readonly #watch: LineWatch;

  constructor(ssl: ConnectionOptions | false, stream: Socket, allowance: Allowance, watch: LineWatch) {
    super({ ssl, stream });
    this.#allowance = allowance;
    this.#watch = watch;
  }

  override attachListeners(stream: Socket): void {
    // After the handshake it is another one.
    if (stream instanceof TLSSocket) this.#watch.watch(stream);
    super.attachListeners(guarded(stream, this.#allowance));
  }
}

async function openSql(source: SqlSource, signal: AbortSignal): Promise<HeldClient> {
  const { host, port, user, database, timeout } = source;
  const secret = secretAt(source.password);
  const allowance: Allowance = { left: ANSWER_MAX };
  const ssl: ConnectionOptions | false =
    source.tls === 'none'
      ? false
      : {
          host,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ca: authorities(source.caFile),
          rejectUnauthorized: true,
          minVersion: 'TLSv1.2',
        };
  const socket = new Socket();
  const watch = new LineWatch(socket);
  const client = new Client({
    host,
    port,
    user,
    database,
    // A function: else pg would look for one in the environment and in ~/.pgpass.
    password: () => {
      if (secret === undefined) throw new Error('it wants a password, and none is configured');
      return secret;
    },
    ssl,
    connection: new GuardedConnection(ssl, socket, allowance, watch),
    application_name: 'postern recipients',
    // What the client gives up must not go on in the server.
    statement_timeout: Math.ceil(timeout),
    options: '-c default_transaction_read_only=on',
    client_encoding: 'UTF8',
  });
  client.on('error', () => {}); // told by the watch
  try {
    await watch.run(signal, () => client.connect());
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
        return await watch.run(within, () => query(client, source, asked));
      } catch (error) {
        throw troubleOf(error, secret);
      }
    },
    close: () => {
      void client.end().catch(() => {}); // says goodbye; the socket goes all the same
      watch.close();
    },
  };
}

async function query(client: Client, source: SqlSource, asked: AskedAddress): Promise<'known' | 'unknown'> {
  const { rows, fields } = await client.query({
    text: boundQuery(source.query),
    values: [asked.address, foldAscii(asked.local), asked.domain],
    rowMode: 'array',
    types: AS_TEXT,
  });
  const [row] = rows;
  if (row === undefined) return 'unknown';
  const [field] = fields;
  if (field === undefined) throw new SourceError('down', 'its rows have no column');
  return isYes(row[0] ?? null, field.dataTypeID) ? 'known' : 'unknown';
}
