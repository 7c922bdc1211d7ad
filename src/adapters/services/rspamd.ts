/** A client of rspamd by HTTP: `POST /checkv2` with what is known of the envelope in headers, and the message as it is. */
import type { Millis } from '../../mail/time.ts';
import { type ScannedEnvelope, ServiceError, type SpamScanner } from '../../ports/services.ts';
import { Counted } from './counted.ts';
import { type HttpHeaders, httpTalk } from './http-talk.ts';
import { Places } from './places.ts';
import { readCheck } from './rspamd-answer.ts';

export interface RspamdParts {
  readonly url: string;
  readonly connectTimeout: Millis;
}

/** A worker of rspamd takes many at once; these bound what our own side holds open. */
const CONNECTIONS = 16;
/** Header lines of a request; rspamd needs some recipients, not a mailing list's thousands. */
const RECIPIENTS_MAX = 100;

export function rspamd({ url, connectTimeout }: RspamdParts): SpamScanner {
  const exchange = httpTalk(url, connectTimeout);
  const places = new Places(CONNECTIONS);
  return {
    probe: async (signal) => {
      const { text, server } = await exchange({ method: 'GET', path: '/ping', headers: [], octets: none() }, signal);
      if (text.trim() !== 'pong') throw new ServiceError('garbage', 'no "pong" in answer to /ping');
      return server === '' ? 'rspamd' : server;
    },
    scan: ({ size, octets }, envelope, user, signal) =>
      places.within(signal, async () => {
        const headers = headersOf(size, envelope, user);
        const counted = new Counted(octets, size);
        const { text } = await exchange({ method: 'POST', path: '/checkv2', headers, octets: counted }, signal);
        const verdict = readCheck(text);
        counted.mustBeWhole();
        return verdict;
      }),
  };
}

async function* none(): AsyncIterable<Uint8Array> {}

/** As the protocol of rspamd names them (its documentation, "protocol"). */
function headersOf(size: number, envelope: ScannedEnvelope, user: string): HttpHeaders {
  const { client, helo, from, recipients, id } = envelope;
  const known: HttpHeaders = [
    ['IP', client.ip],
    ['Hostname', client.name],
    ['Helo', helo],
    ['User', envelope.user],
    ['Deliver-To', user],
    ['Queue-Id', id],
  ];
  return [
    ['Content-Length', String(size)],
    ['Content-Type', 'message/rfc822'],
    // The null reverse-path is a fact too: it is said, and not left out.
    ['From', headerText(from)],
    ...recipients.slice(0, RECIPIENTS_MAX).map((one) => ['Rcpt', headerText(one)] as const),
    ...known.filter(([, value]) => value !== '').map(([name, value]) => [name, headerText(value)] as const),
  ];
}

/** Octets of UTF-8, as an envelope has them, in what HTTP takes; nothing in it ends a line. */
const headerText = (text: string): string =>
  Buffer.from(text.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 1000), 'utf8').toString('latin1');
