/** No mix of CR, LF, NUL and dots, however it is cut, splits a message, or passes a bare CR or LF on to the store. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StrictScanner } from '../../../src/smtp/receive/data-scanner.ts';
import type { Newline } from '../../../src/smtp/receive/incoming-message.ts';
import { Stuffer } from '../../../src/smtp/send/stuff.ts';
import { FakeWire } from '../../support/fake-wire.ts';

const ENVELOPE = ['MAIL FROM:<a@example.net>\r\n', 'RCPT TO:<b@example.com>\r\n'];
const EVIL = 'MAIL FROM:<evil@example.net>';
const VICTIM = 'RCPT TO:<victim@example.com>';

interface Seen {
  readonly transactions: number;
  /** As kept; undefined where it was refused. */
  readonly messages: readonly (string | undefined)[];
}

/** A reader of few words that has the whole conversation before it: what the real one must have seen. */
function strictReader(by: 'DATA' | 'BDAT', stream: string, newline: Newline): Seen {
  let transactions = 1;
  let taken: number | undefined = 1;
  const messages: (string | undefined)[] = [];
  let chunked: string | undefined;
  let rest = stream;
  const take = (raw: string, stuffed: boolean): void => {
    messages.push(newline === 'strict' ? strictly(raw, stuffed) : mended(raw, stuffed));
    taken = undefined;
    chunked = undefined;
  };
  if (by === 'DATA') {
    const end = `\r\n${rest}`.indexOf('\r\n.\r\n');
    if (end < 0) return { transactions, messages };
    take(rest.slice(0, end), true);
    rest = rest.slice(end + 3);
  }
  for (let lf = rest.indexOf('\n'); lf >= 0; lf = rest.indexOf('\n')) {
    const line = rest.slice(0, lf).replace(/\r$/, '');
    if (newline === 'strict' && (line.length !== lf - 1 || line.includes('\r'))) break;
    rest = rest.slice(lf + 1);
    if (/[\x00-\x1f]/.test(line)) continue;
    const [, octets, last] = /^BDAT (\d+)( LAST)?$/.exec(line) ?? [];
    if (octets !== undefined) {
      const chunk = rest.slice(0, Number(octets));
      if (chunk.length < Number(octets)) break;
      rest = rest.slice(chunk.length);
      if (taken === undefined || taken === 0) continue;
      chunked = (chunked ?? '') + chunk;
      // A CR at a border may still find its LF; everything else is known when the chunk has come.
      if (last !== undefined || flawed(chunked.replace(/\r$/, ''), newline)) take(chunked, false);
    } else if (line === EVIL) {
      if (taken === undefined) {
        transactions++;
        taken = 0;
      }
    } else if (line === VICTIM) {
      if (taken !== undefined && chunked === undefined) taken++;
    } else if (line === 'RSET') taken = chunked = undefined;
    else if (line === 'QUIT') break;
  }
  return { transactions, messages };
}

const BARE = /\r(?!\n)|(?<!\r)\n/;
const flawed = (raw: string, newline: Newline): boolean =>
  raw.includes('\0') || (newline === 'strict' && BARE.test(raw));
const ended = (text: string): string => (text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`);

function strictly(raw: string, stuffed: boolean): string | undefined {
  if (flawed(raw, 'strict')) return undefined;
  return stuffed ? raw.replace(/(^|\r\n)\./g, '$1') : ended(raw);
}

/** Lines however they end; where it was stuffed, a dot goes that more follows on its line. */
function mended(raw: string, stuffed: boolean): string | undefined {
  if (raw.includes('\0')) return undefined;
  const lines = raw.replace(/\r\n|\r|\n/g, '\n').split('\n');
  return ended(lines.map((line) => (stuffed ? line.replace(/^\.(?=.)/s, '') : line)).join('\r\n'));
}

async function realReader(by: 'DATA' | 'BDAT', segments: Iterable<string>, newline: Newline) {
  const wire = new FakeWire(newline);
  await wire.hear(['EHLO client.example.net\r\n', ...ENVELOPE]);
  if (by === 'DATA') await wire.hear(['DATA\r\n']);
  await wire.hear(segments);
  expect(wire.fault).toBeUndefined();
  for (const reply of wire.replies.split('\r\n').slice(0, -1)) expect(reply).toMatch(/^\d{3}[ -][\x20-\x7e]*$/);
  const { calls, messages, refusals } = wire.script;
  return {
    transactions: calls.filter((call) => call.startsWith('mail ')).length,
    messages: messages.map((message) => message.toString('latin1')),
    refused: refusals.filter(({ command }) => command === 'content').length,
  };
}

async function agree(by: 'DATA' | 'BDAT', segments: readonly string[], newline: Newline): Promise<void> {
  const stream = segments.join('');
  const real = await realReader(by, segments, newline);
  const seen = strictReader(by, stream, newline);
  const kept = seen.messages.filter((message) => message !== undefined);
  expect({ stream, ...real }).toEqual({
    stream,
    transactions: seen.transactions,
    messages: kept,
    refused: seen.messages.length - kept.length,
  });
  for (const message of real.messages) {
    expect(message).not.toMatch(BARE);
    expect(message).not.toContain('\0');
    relayed(message);
  }
}

/** On its way out it is one message again, and the same. */
function relayed(message: string): void {
  const stuffer = new Stuffer('dot');
  const octets = Buffer.concat([stuffer.feed(Buffer.from(message, 'latin1')), stuffer.end()]);
  const scanner = new StrictScanner();
  const { content, end } = scanner.take(Buffer.from(octets));
  expect([end, scanner.flaw, Buffer.from(content).toString('latin1')]).toEqual([octets.length, undefined, message]);
}

const AFTER = `${EVIL}\r\n${VICTIM}\r\nBDAT 3 LAST\r\nx\r\n`;

function* mixes(longest: number): Generator<string> {
  let now = [''];
  for (let length = 1; length <= longest; length++) {
    now = now.flatMap((mix) => ['\r', '\n', '\0', '.', 'a'].map((octet) => mix + octet));
    yield* now;
  }
}

const chunk = (octets: string, last = false): string => `BDAT ${octets.length}${last ? ' LAST' : ''}\r\n${octets}`;

describe.each<Newline>(['strict', 'normalize'])('%s: every mix of five octets before the end', (newline) => {
  test('by DATA, whole and octet by octet', async () => {
    for (const mix of mixes(5)) {
      const stream = `x${mix}\r\n.\r\n${AFTER}`;
      await agree('DATA', [stream], newline);
      if (mix.length < 5) await agree('DATA', [...stream], newline);
    }
  }, 60_000);

  test('by DATA, right at the beginning', async () => {
    for (const mix of mixes(4)) await agree('DATA', [`${mix}\r\n.\r\n${AFTER}`], newline);
  }, 60_000);

  test('by BDAT, in one chunk and a chunk an octet', async () => {
    for (const mix of mixes(4)) {
      await agree('BDAT', [`${chunk(`x${mix}`, true)}${AFTER}`], newline);
      await agree('BDAT', [`${[...mix].map((octet) => chunk(octet)).join('')}${chunk('', true)}${AFTER}`], newline);
    }
  }, 60_000);
});

const PIECES = [
  ...['\r', '\n', '\r\n', '\0', '.', '..', 'a', 'word', '\r\n.\r\n', '\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n.\r'],
  ...[
    `${EVIL}\r\n`,
    `${EVIL}\n`,
    `${VICTIM}\r\n`,
    'RSET\r\n',
    'QUIT\r\n',
    'BDAT 4 LAST\r\n',
    'BDAT 2\r\n',
    'BDAT 0\r\n',
  ],
];
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat(400), { maxLength: 6 });

function cut(stream: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((place) => place % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  return places.slice(1).map((place, index) => stream.slice(places[index], place));
}

test.each<Newline>(['strict', 'normalize'])(
  '%s: messages by DATA with commands within and behind, cut anywhere',
  (newline) =>
    fc.assert(
      fc.asyncProperty(text, text, cuts, (before, after, at) =>
        agree('DATA', cut(`${before}\r\n.\r\n${after}`, at), newline),
      ),
      { numRuns: 2000 },
    ),
);

test.each<Newline>(['strict', 'normalize'])(
  '%s: messages by BDAT with commands within and behind, cut anywhere',
  (newline) =>
    fc.assert(
      fc.asyncProperty(text, cuts, text, cuts, (message, chunks, after, at) => {
        const pieces = cut(message, chunks);
        const stream = pieces.map((piece, index) => chunk(piece, index === pieces.length - 1)).join('') + after;
        return agree('BDAT', cut(stream, at), newline);
      }),
      { numRuns: 2000 },
    ),
);
