/** A client of spamd, by SPAMC/1.5 (spamd/PROTOCOL of SpamAssassin): REPORT says score, threshold and every rule that fired, in one scan. */
import type { Millis } from '../../mail/time.ts';
import { type ScannedEnvelope, ServiceError, type SpamScanner } from '../../ports/services.ts';
import type { HostAddress } from '../../queue/route.ts';
import { Counted } from './counted.ts';
import { Places } from './places.ts';
import { isWhole, readReply, readReport } from './spamd-answer.ts';
import { traceFor } from './spamd-trace.ts';
import { talk } from './talk.ts';

export interface SpamdParts {
  readonly address: HostAddress;
  readonly connectTimeout: Millis;
}

/** spamd has five children by default (--max-children). */
const CONNECTIONS = 4;
/** A report is a few KiB: its lines are the rules that fired. */
const ANSWER_MAX = 64 * 1024;

export function spamd({ address, connectTimeout }: SpamdParts): SpamScanner {
  const places = new Places(CONNECTIONS);
  const exchange = (send: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> =>
    talk({ address, connectTimeout, send, halfClose: true, answerMax: ANSWER_MAX, whole: isWhole }, signal);
  return {
    probe: async (signal) => {
      const reply = readReply(await exchange(request('PING', [], none()), signal));
      if (reply.word !== 'PONG') throw new ServiceError('garbage', `"${reply.word}" in answer to PING`);
      return `spamd ${reply.version}`;
    },
    scan: ({ size, octets }, envelope: ScannedEnvelope, user, signal) =>
      places.within(signal, async () => {
        const trace = traceFor(envelope);
        const headers = [
          `Content-length: ${trace.length + size}`,
          ...(user === '' ? [] : [`User: ${headerText(user)}`]),
        ];
        const counted = new Counted(after(trace, octets), trace.length + size);
        const verdict = readReport(readReply(await exchange(request('REPORT', headers, counted), signal)));
        counted.mustBeWhole();
        return verdict;
      }),
  };
}

async function* request(
  command: string,
  headers: readonly string[],
  octets: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield Buffer.from(`${[`${command} SPAMC/1.5`, ...headers].join('\r\n')}\r\n\r\n`);
  yield* octets;
}

async function* after(trace: Buffer, octets: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield trace;
  yield* octets;
}

async function* none(): AsyncIterable<Uint8Array> {}

/** The name of a user ends no line. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e\u00a1-\uffff]/g, '?').slice(0, 300);
