/** The constructions of fixtures/evasions: mail that hides the test file, written as templates that a person can read. */
import { readdirSync, readFileSync } from 'node:fs';
import { CONTAINERS } from './containers.ts';
import { ENCODINGS } from './encodings.ts';
import { EICAR } from './payload.ts';

export interface Evasion {
  /** Its file's name without `.eml`. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** As it goes on the wire. */
  readonly octets: Buffer;
}

const FOLDER = new URL('../../../fixtures/evasions/', import.meta.url);

export const evasions = (): readonly Evasion[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.eml'))
    .sort()
    .map((file) => evasionOf(file.replace(/\.eml$/, ''), readFileSync(new URL(file, FOLDER), 'latin1')));

/** Lines that begin with `#` say what the message does; the message follows them. */
export function evasionOf(name: string, template: string): Evasion {
  const about = /^(# .*\n)+/.exec(template)?.[0] ?? '';
  const text = template.slice(about.length).replaceAll('\n', '\r\n');
  return {
    name,
    about: Buffer.from(about.replace(/^# /gm, ''), 'latin1').toString().trim().replaceAll('\n', ' '),
    octets: Buffer.from(
      text.replace(/\{\{([^{}]+)\}\}/g, (_, words: string) => filled(words)),
      'latin1',
    ),
  };
}

/** `{{base64 zip eicar}}` is built from its end: the test file, in an archive, in base64. */
function filled(words: string): string {
  let octets = Buffer.alloc(0);
  for (const word of words.split(' ').reverse()) octets = Buffer.from(built(word, octets));
  return octets.toString('latin1');
}

function built(word: string, octets: Buffer): Buffer {
  const [, step = '', number] = /^([a-z0-9-]*?)(?:\*(\d+))?$/.exec(word) ?? [];
  const times = Number(number ?? 1);
  const made =
    CONTAINERS[step] ?? (ENCODINGS[step] && ((inner: Buffer) => Buffer.from(ENCODINGS[step]!(inner), 'latin1')));
  if (made !== undefined) return made(octets);
  if (step === 'eicar') return EICAR;
  if (step === 'letter') return Buffer.from(letter());
  if (step === 'message') return message(octets);
  if (step === 'message-pieces') return message(octets, 'base64-pieces');
  if (step === 'multipart') return Buffer.from(`--x\r\n${entity(octets)}\r\n--x--\r\n`);
  if (step === 'nested') return nested(octets, times);
  if (step === 'parts') return Buffer.from(`--x\r\n\r\nhello\r\n`.repeat(times));
  if (step === 'fields') return Buffer.from('X-Nothing: here\r\n'.repeat(times));
  if (step === 'dashes') return Buffer.from('-'.repeat(times));
  if (step === 'blanks') return Buffer.from(' '.repeat(times));
  if (step === 'nul') return Buffer.from([0]);
  if (step === 'control') return Buffer.from([1]);
  if (step === 'lf') return Buffer.from('\n');
  if (step === 'cr') return Buffer.from('\r');
  if (step === 'eight') return Buffer.from([0xe4]);
  if (step === 'first-half') return octets.subarray(0, octets.length / 2);
  throw new RangeError(`Cannot fill {{${word}}} as it must be one of the words of test/support/evasions`);
}

/** The fields every letter has, without a line end after the last. */
const letter = (): string =>
  [
    'From: Nell <nell@neighbour.example>',
    'To: alice@example.com',
    'Subject: notes',
    'Date: Sat, 28 Nov 2026 10:00:00 +0000',
    'Message-ID: <notes@neighbour.example>',
    'MIME-Version: 1.0',
  ].join('\r\n');

/** A message with a file attached as it should be. */
const message = (octets: Buffer, encoding = 'base64'): Buffer =>
  Buffer.from(
    `${letter()}\r\nContent-Type: multipart/mixed; boundary="inner"\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\r\nhello\r\n--inner\r\n${entity(octets, encoding)}\r\n--inner--\r\n`,
  );

const entity = (octets: Buffer, encoding = 'base64'): string =>
  `Content-Type: application/octet-stream; name="notes.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n${ENCODINGS[encoding]!(octets)}`;

/** Multiparts within multiparts, the file in the innermost; begins with the Content-Type of the outermost. */
function nested(octets: Buffer, depth: number): Buffer {
  let text = entity(octets);
  for (let level = 1; level <= depth; level += 1)
    text = `Content-Type: multipart/mixed; boundary="n${level}n"\r\n\r\n--n${level}n\r\n${text}\r\n--n${level}n--\r\n`;
  return Buffer.from(text);
}
