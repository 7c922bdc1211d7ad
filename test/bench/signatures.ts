/**
 * What hostile headers and bodies cost the check dkim, in one process and without DNS.
 *
 *     node_modules/.bin/node test/bench/signatures.ts
 *
 * A header is read in one go, so its time is how long the event loop stands still; a body comes in pieces.
 */
import { dkim } from '../../src/checks/dkim.ts';
import { runOn } from '../support/check-bench.ts';

const BODY_OCTETS = 8 * 1024 * 1024;
const FROM = 'From: a@one.example\r\n';
const signature = ({ l = '', h = 'From', bh = 'AAAA' } = {}) =>
  `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=one.example; s=s1;${l} h=${h}; bh=${bh}; b=AAAA\r\n`;
const ten = Array.from({ length: 10 }, (_, n) => signature({ l: ` l=${n * 100_000};` })).join('');
const blanks = (count: number): string => ' '.repeat(count);

const HEADERS: { readonly [name: string]: string } = {
  '42,000 lines that are no field': `A: b\r\n${'x\r\n'.repeat(42_000)}${ten}`,
  '1,900 lines that are no field': `A: b\r\n${'x\r\n'.repeat(1900)}${ten}`,
  '21,000 blank lines in one field': `A:\r\n${' \r\n'.repeat(21_000)}${ten}`,
  'ten signatures with 3,000 names': signature({ h: `From${':x'.repeat(3000)}` }).repeat(10),
  'ten with 290 names over 1,900 fields':
    'x:b\r\n'.repeat(1900) + signature({ h: `From${':x'.repeat(290)}` }).repeat(10),
  '60,000 blanks in bh=': signature({ bh: `A${blanks(60_000)}A` }),
  'fourteen of 8 KiB with runs of 199 blanks': signature({ bh: `A${blanks(199)}`.repeat(39) }).repeat(14),
  'seven From of 4,000 groups': `From: ${'a:b;'.repeat(4000)}\r\n`.repeat(7) + ten,
  'a Content-Type of 12,000 parameters': `Content-Type: a/b${'; x=y'.repeat(12_000)}\r\n${ten}`,
};
const LINES: { readonly [name: string]: string } = {
  'lines of text': 'The quick brown fox jumps over the lazy dog and again over it.\r\n',
  'lines of one blank': ' \r\n',
  'lines of one tab': '\t\r\n',
  'two blanks between letters': 'a  b\r\n',
  'lines of 1 MiB': `${'x'.repeat(1024 * 1024 - 2)}\r\n`,
};

async function measure(name: string, message: string): Promise<void> {
  const octets = Buffer.from(message, 'latin1');
  const started = performance.now();
  const { facts } = await runOn(dkim, { message: octets });
  console.log(`${(performance.now() - started).toFixed(0).padStart(6)} ms  ${String(facts.result).padEnd(9)}  ${name}`);
}

for (const [name, header] of Object.entries(HEADERS)) await measure(name, `${header}${FROM}\r\nBody\r\n`);
for (const [name, line] of Object.entries(LINES))
  await measure(`8 MiB, ten l=: ${name}`, `${ten}${FROM}\r\n${line.repeat(BODY_OCTETS / line.length)}`);
