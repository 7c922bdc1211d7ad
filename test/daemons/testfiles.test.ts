/** Every container of Debian's clamav-testfiles, in every clothing in which mail brings files, through the gateway with its shipped policy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENCODINGS } from '../support/evasions/encodings.ts';
import { NEIGHBOUR, type Shipped, shipped } from '../support/shipped.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const FOLDER = '/usr/share/clamav-testfiles';
const missing = await provide('clamd', 'clamavTestfiles');
const files = missing === '' ? readdirSync(FOLDER).sort() : [];

const LETTER = [
  'From: Nell <nell@neighbour.example>',
  'To: alice@example.com',
  'Subject: a file',
  'Date: Sat, 28 Nov 2026 10:00:00 +0000',
  'Message-ID: <file@neighbour.example>',
  'MIME-Version: 1.0',
].join('\r\n');
const attached = (encoding: string, text: string): string =>
  `${LETTER}\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\n` +
  `Content-Type: application/octet-stream; name="file.dat"\r\nContent-Disposition: attachment; filename="file.dat"\r\n` +
  `Content-Transfer-Encoding: ${encoding}\r\n\r\n${text}\r\n--x--\r\n`;

const CLOTHES: { readonly [name: string]: (octets: Buffer) => string } = {
  base64: (octets) => attached('base64', ENCODINGS.base64!(octets)),
  'quoted-printable': (octets) => attached('quoted-printable', ENCODINGS.qp!(octets)),
  uuencode: (octets) => `${LETTER}\r\n\r\nhello\r\n\r\n${ENCODINGS.uu!(octets)}\r\n`,
  'a forwarded message': (octets) =>
    `${LETTER}\r\nContent-Type: multipart/mixed; boundary="y"\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--y\r\n` +
    `Content-Type: message/rfc822\r\n\r\n${attached('base64', ENCODINGS.base64!(octets))}\r\n--y--\r\n`,
};

describe.skipIf(missing !== '')('Debian has 44 files that hold a harmless one', () => {
  let clamd: Daemon;
  let gateway: Shipped;

  beforeAll(async () => {
    clamd = await startDaemon('clamd');
    gateway = shipped({ clamav: { address: `unix:${clamd.values.socket}` } });
  });
  afterAll(async () => {
    gateway.close();
    await clamd.stop();
  });

  test('all of them are here', () => {
    expect(files).toHaveLength(44);
  });

  test.each(Object.keys(CLOTHES))('in %s each is found and refused', async (clothing) => {
    const outcomes: { readonly [file: string]: string } = Object.fromEntries(
      await inTurn(files, async (file) => {
        const message = CLOTHES[clothing]!(readFileSync(join(FOLDER, file)));
        const { record } = await gateway.play(Buffer.from(message, 'latin1'), NEIGHBOUR);
        const { result, signature } = record.facts.clamav as { readonly result: string; readonly signature: string };
        return [file, `${record.recipients[0]!.verdict} ${result} ${signature}`] as const;
      }),
    );
    const found = 'reject infected Test.ClamAV-Test-File.UNOFFICIAL';
    expect(outcomes).toEqual(Object.fromEntries(files.map((file) => [file, found])));
  });
});

async function inTurn<In, Out>(all: readonly In[], work: (one: In) => Promise<Out>): Promise<Out[]> {
  const out: Out[] = [];
  for (const one of all) out.push(await work(one));
  return out;
}
