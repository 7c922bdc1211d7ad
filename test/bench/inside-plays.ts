/** Messages whose structure is a burden to whoever reads it, for the benches of the walk and of the loop. */
import { deflateRawSync } from 'node:zlib';
import { base64Lines, zip } from '../support/archives.ts';

export interface Burden {
  readonly name: string;
  readonly octets: Buffer;
}

const HEADER =
  'From: A <a@sender.test>\nDate: Sat, 28 Nov 2026 10:00:00 +0000\nMessage-ID: <x@sender.test>\nMIME-Version: 1.0\n';
const MIXED = 'Content-Type: multipart/mixed; boundary=aaaa\n\n';
const message = (text: string): Buffer => Buffer.from(`${HEADER}${text}`.replace(/\n/g, '\r\n'), 'latin1');
const times = (octets: number, text: string): string => text.repeat(Math.floor(octets / text.length));

/** `count` attachments of `octets` each, decoded; their content repeats, as its hash and its listing cost the same. */
export function attachments(count: number, octets: number, type = 'application/octet-stream'): Buffer {
  const body = type === 'application/zip' ? storedZip(octets) : Buffer.alloc(octets, 7);
  const head = `--aaaa\nContent-Type: ${type}; name="a.bin"\nContent-Disposition: attachment; filename="a.bin"\n`;
  const part = `${head}Content-Transfer-Encoding: base64\n\n${base64Lines(body)}\n`;
  const one = Buffer.from(part.replace(/\n/g, '\r\n'), 'latin1');
  return Buffer.concat([message(MIXED), ...Array.from({ length: count }, () => one), Buffer.from('--aaaa--\r\n')]);
}

const storedZip = (octets: number): Buffer =>
  zip([
    { name: 'a.docx', body: 'x' },
    { name: 'rest.bin', body: Buffer.alloc(octets, 7) },
  ]);

/** Each of a megabyte once unpacked, and a kilobyte before. */
const bombs = (count: number): Buffer =>
  zip(Array.from({ length: count }, (_, n) => ({ name: `${n}.zip`, body: Buffer.alloc(1_000_000), deflate: true })));

const file = (type: string, octets: Buffer): Buffer =>
  message(`Content-Type: ${type}\nContent-Transfer-Encoding: base64\n\n${base64Lines(octets)}\n`);
const encoded = (encoding: string, body: string): Buffer =>
  message(`Content-Transfer-Encoding: ${encoding}\n\n${body}\n`);

export const burdens = (): readonly Burden[] => [
  { name: '100,000 parts', octets: message(`${MIXED}${'--aaaa\n\nx\n'.repeat(100_000)}--aaaa--\n`) },
  {
    name: 'depth 5,000',
    octets: message(
      Array.from({ length: 5000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join(''),
    ),
  },
  { name: '5 MB of lines like delimiters', octets: message(`${MIXED}--aaaa\n\n${times(5e6, '--aaab\n')}`) },
  { name: '5 MB of lines that begin as one', octets: message(`${MIXED}--aaaa\n\n${times(5e6, '--aaaab\n')}`) },
  {
    name: '5 MB of the like, 160 boundaries open',
    octets: message(
      `${Array.from({ length: 20 }, (_, n) => `Content-Type: multipart/mixed; ${Array.from({ length: 8 }, (_, m) => `boundary="b${n}_${m}"`).join('; ')}\n\n--b${n}_0\n`).join('')}\n${times(5e6, '--b\n')}`,
    ),
  },
  {
    name: '5 MB of dashes, no boundary named',
    octets: message(`Content-Type: multipart/mixed\n\n${times(5e6, '--\n')}`),
  },
  { name: 'a header of 1 MB', octets: message(`X: ${'y'.repeat(1e6)}\n\nbody\n`) },
  { name: 'a part with a header of 1 MB', octets: message(`${MIXED}--aaaa\n${times(1e6, 'X: y\n')}\nx\n`) },
  {
    name: '80 parts with headers of 60 KB',
    octets: message(`${MIXED}${`--aaaa\n${times(6e4, 'X: y\n')}\n`.repeat(80)}`),
  },
  { name: '2 MB of `..` lines', octets: message(`\n${times(2e6, '..\n')}`) },
  { name: '4 MB of base64, each group padded', octets: encoded('base64', times(4e6, 'QUI=')) },
  { name: '2 MB of `=`, quoted-printable', octets: encoded('quoted-printable', times(2e6, '=')) },
  { name: '25 MiB of `=`, quoted-printable', octets: encoded('quoted-printable', times(25 * 2 ** 20, '=')) },
  { name: '25 MiB of `= `, quoted-printable', octets: encoded('quoted-printable', times(25 * 2 ** 20, '= ')) },
  { name: '2 MB of blanks, quoted-printable', octets: encoded('quoted-printable', times(2e6, ' ')) },
  { name: '4 MB of `begin 644 a`', octets: message(`\n${times(4e6, 'begin 644 a\n')}`) },
  { name: 'a zip of 200 bombs', octets: file('application/zip', bombs(200)) },
  {
    name: 'a zip of 20,000 names',
    octets: file('application/zip', zip(Array.from({ length: 20_000 }, (_, n) => ({ name: `${n}.txt` })))),
  },
  {
    name: '2 MB of marks of zip',
    octets: file('application/zip', Buffer.from(times(2e6, 'PK\x03\x04PK\x01\x02'), 'latin1')),
  },
  { name: 'a bomb without a name', octets: file('application/gzip', deflateRawSync(Buffer.alloc(20_000_000))) },
  { name: '500 messages in one another', octets: message('Content-Type: message/rfc822\n\n'.repeat(500)) },
  { name: '25 MiB, 40 attachments', octets: attachments(40, 470_000) },
  { name: '25 MiB, 40 zips', octets: attachments(40, 470_000, 'application/zip') },
  {
    name: '25 MB of text',
    octets: message(`\n${times(25e6, 'some words of a letter that goes on for seventy columns or so\n')}`),
  },
];
