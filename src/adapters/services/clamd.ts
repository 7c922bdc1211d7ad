/** A client of clamd (clamd(8)): one command a connection, a file in chunks with their lengths, one line for an answer. */
import { clean } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import { ServiceError, type VirusScanner, type VirusVerdict } from '../../ports/services.ts';
import type { HostAddress } from '../../queue/route.ts';
import { verdictOf } from './clamd-answer.ts';
import { Places } from './places.ts';
import { talk } from './talk.ts';

export interface ClamdParts {
  readonly address: HostAddress;
  readonly connectTimeout: Millis;
  /** Octets of a file beyond which it is not sent. */
  readonly maxBytes: number;
}

/** clamd has ten threads by default (MaxThreads), and several of ours may ask it: forty attachments wait rather than queue there. */
const CONNECTIONS = 4;
/** A line with a signature's name; the longest known is under a hundred. */
const ANSWER_MAX = 1024;
/** Octets of a chunk: a write of this much fits what sockets buffer, and its length four octets (clamd(8) INSTREAM). */
const CHUNK = 64 * 1024;

export function clamd(parts: ClamdParts): VirusScanner {
  const places = new Places(CONNECTIONS);
  const command = async (word: string, signal: AbortSignal): Promise<string> => {
    const text = await exchange(parts, asked(word), signal);
    // An error ends so, whatever the command was.
    if (/ERROR$|^UNKNOWN COMMAND/.test(text)) throw new ServiceError('refused', text);
    return text;
  };
  return {
    probe: async (signal) => {
      const text = await command('PING', signal);
      if (text !== 'PONG') throw new ServiceError('garbage', `"${text}" in answer to PING`);
      return text;
    },
    version: (signal) => command('VERSION', signal),
    scan: ({ octets }, signal) =>
      places.within(signal, async (): Promise<VirusVerdict> => {
        const sent = { whole: false, tooLarge: false };
        const text = await exchange(parts, inStream(octets, parts.maxBytes, sent), signal);
        const verdict = verdictOf(text);
        // What is too long is told early, what is clean never.
        if (verdict.kind === 'clean' && !sent.whole)
          throw new ServiceError('garbage', 'a verdict before the file was whole');
        // What was cut off was not looked at; what was found before is found.
        return sent.tooLarge && verdict.kind !== 'infected' ? { kind: 'too-large' } : verdict;
      }),
  };
}

async function exchange(
  { address, connectTimeout }: ClamdParts,
  send: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  // Not half-closed: clamd takes the end of the stream for a client that has gone.
  const how = { address, connectTimeout, send, halfClose: false, answerMax: ANSWER_MAX };
  const answer = await talk({ ...how, whole: (heard) => heard.includes(0) }, signal);
  const end = answer.indexOf(0);
  if (end !== answer.length - 1) throw new ServiceError('garbage', 'more than one line in answer to one command');
  return clean(answer.toString('utf8', 0, end), ANSWER_MAX);
}

async function* asked(word: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(`z${word}\0`);
}

/** The command, the chunks, and a chunk of nothing for the end. */
async function* inStream(
  octets: AsyncIterable<Uint8Array>,
  maxBytes: number,
  sent: { whole: boolean; tooLarge: boolean },
): AsyncIterable<Uint8Array> {
  yield Buffer.from('zINSTREAM\0');
  let size = 0;
  const room = Buffer.allocUnsafeSlow(LENGTH + CHUNK);
  for await (const piece of octets) {
    for (let at = 0; at < piece.length; at += CHUNK) {
      const chunk = piece.subarray(at, at + CHUNK);
      size += chunk.length;
      if (size > maxBytes) {
        sent.tooLarge = true;
        sent.whole = true;
        yield END;
        return;
      }
      // Length and octets in one write: small files are one segment.
      room.writeUInt32BE(chunk.length, 0);
      room.set(chunk, LENGTH);
      yield room.subarray(0, LENGTH + chunk.length);
    }
  }
  sent.whole = true;
  yield END;
}

const LENGTH = 4;
const END = Buffer.alloc(LENGTH);
