/** What the bench of the loop plays: messages of others cut as one likes, and bodies that are a burden to whoever reads them. */
import type { Wire } from '../support/hostile-clients.ts';

export interface Play {
  readonly name: string;
  /** Behind EHLO, to its last reply, which it answers. */
  readonly run: (wire: Wire, recipient: string) => Promise<string>;
  /** Milliseconds that what follows the reply (relaying, the search index) is watched for. */
  readonly settle: number;
}

/** Octets that go one by one; the rest comes at once. */
const ONE_BY_ONE = 3000;
const SELECTORS = Array.from({ length: 10 }, (_, n) => `s${n}`);
export const KEY_NAMES = SELECTORS.map((selector) => `${selector}._domainkey.sender.test`);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const lastLine = (wire: Wire): string => wire.heard.trimEnd().split('\r\n').at(-1) ?? '';
const ended = (text: string): string => (text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`);

/** A message by DATA or BDAT, whole or octet by octet, as `way` says. */
export function pieces(name: string, octets: Buffer, way: string): Play {
  const text = octets.toString('latin1');
  const stuffed = `${ended(text).replace(/^\.|(?<=\r\n)\./g, '..')}.\r\n`;
  const half = octets.length >> 1;
  const chunks = `BDAT ${half}\r\n${text.slice(0, half)}BDAT ${octets.length - half} LAST\r\n${text.slice(half)}`;
  return {
    name,
    settle: 30,
    async run(wire, recipient) {
      await envelope(wire, [recipient]);
      const bdat = way.startsWith('BDAT');
      if (!bdat) await wire.ask('DATA', /^354 /m);
      wire.heard = '';
      const stream = Buffer.from(bdat ? chunks : stuffed, 'latin1');
      const slow = way.includes('octet') ? ONE_BY_ONE : 0;
      for (let at = 0; at < Math.min(slow, stream.length); at++) {
        await wire.send(stream.subarray(at, at + 1));
        await turn();
      }
      await wire.send(stream.subarray(slow));
      await wire.hear(/^(?:250 2\.0\.0 queued|[45]\d\d [45]).*\r\n/m);
      return lastLine(wire);
    },
  };
}

async function envelope(wire: Wire, recipients: readonly string[]): Promise<void> {
  await wire.ask('MAIL FROM:<a@sender.test>', /^250 /m);
  for (const recipient of recipients) await wire.ask(`RCPT TO:<${recipient}>`, /^[245]\d\d /m);
}

const FROM = 'From: A <a@sender.test>\r\nDate: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <x@sender.test>\r\n';
const PLAIN = Buffer.from('Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do\r\n'.repeat(1000));
const SPACES = Buffer.from(`${' \t'.repeat(490)}\r\n`.repeat(60));
const EMPTY = Buffer.from('\r\n'.repeat(32_000));

const body = (name: string, piece: Buffer, octets: number, header = `${FROM}Subject: x\r\n`, to = 1): Play => ({
  name,
  settle: 1500,
  async run(wire, recipient) {
    await envelope(
      wire,
      Array.from({ length: to }, (_, n) => (n === 0 ? recipient : `user${n}@bench.test`)),
    );
    await wire.ask('DATA', /^354 /m);
    wire.heard = '';
    await wire.send(Buffer.from(`${header}\r\n`, 'latin1'));
    for (let sent = 0; sent < octets; sent += piece.length) if (!(await wire.send(piece))) return lastLine(wire);
    await wire.send('\r\n.\r\n');
    await wire.hear(/^[245]\d\d .*\r\n/m);
    return lastLine(wire);
  },
});

/** Signatures that all have to hash the body, each in its own way. */
const signatures = (count: number, canonical: (n: number) => string): string =>
  SELECTORS.slice(0, count)
    .map((selector, n) => {
      const tags = `v=1; a=rsa-sha256; ${canonical(n)} d=sender.test; s=${selector}; h=From:Subject:Date`;
      return `DKIM-Signature: ${tags};\r\n bh=${'A'.repeat(43)}=; b=${'A'.repeat(342)}==\r\n`;
    })
    .join('');

/** With a signature that does not hold, but has to be looked at. */
export const signed = (octets: Buffer): { readonly name: string; readonly octets: Buffer } => ({
  name: '25 MiB, 40 attachments, signed',
  octets: Buffer.concat([Buffer.from(signatures(1, () => 'c=relaxed/relaxed;')), octets]),
});

/** As many fields as a header section holds. */
const fields = (one: (n: number) => string, octets = 120 * 1024): string => {
  let text = FROM;
  for (let n = 0; text.length < octets; n++) text += one(n);
  return text;
};
const folded = (name: string, piece: string, octets = 60 * 1024): string =>
  `${FROM}${name}: ${`${piece}\r\n `.repeat(Math.floor(octets / (piece.length + 3)))}${piece}\r\n`;

export const bodies = (recipient: string): readonly Play[] => [
  body('25 MB of `..` lines', Buffer.from('..\r\n'.repeat(16_384)), 25_000_000),
  body('25 MB of empty lines', EMPTY, 25_000_000),
  body('a header line of 1 MB', Buffer.alloc(65_536, 'x'), 1_000_000, `${FROM}X-Long: x`),
  body('a line of 60 MB', Buffer.alloc(65_536, 'x'), 60_000_000),
  body('50 MB, plain', PLAIN, 50_000_000),
  body('50 MB, one signature', PLAIN, 50_000_000, signatures(1, () => 'c=relaxed/relaxed;') + FROM),
  body(
    '50 MB, ten signatures that hash apart',
    PLAIN,
    50_000_000,
    signatures(10, (n) => `c=${n % 2 === 0 ? 'relaxed/relaxed' : 'simple/simple'}; l=${40_000_000 + n};`) + FROM,
  ),
  body('25 MB of white space, signed', SPACES, 25_000_000, signatures(1, () => 'c=relaxed/relaxed;') + FROM),
  body('25 MB of empty lines, signed', EMPTY, 25_000_000, signatures(1, () => 'c=relaxed/relaxed;') + FROM),
  body('1 MB of NUL', Buffer.alloc(65_536), 1_000_000),
  body(
    'a header of 30,000 fields',
    PLAIN,
    1000,
    fields(() => 'a:\r\n'),
  ),
  body(
    'a header of 9,000 Received',
    PLAIN,
    1000,
    fields(() => 'Received: x\r\n'),
  ),
  body(
    'a header of 3,000 From',
    PLAIN,
    1000,
    fields((n) => `From: a${n}@b.test, c@d.test\r\n`),
  ),
  body(
    'a header of 300 signatures',
    PLAIN,
    1000,
    fields((n) => signatures(1, () => `i=@sender.test; t=${n};`)),
  ),
  body('a From of 60 KB of addresses', PLAIN, 1000, folded('From', '"x" <a@b.test>,')),
  body('a From of 60 KB of brackets and comments', PLAIN, 1000, folded('From', '(((<<<"a"@(')),
  body('a Subject of 60 KB of encoded words', PLAIN, 1000, folded('Subject', '=?utf-8?q?=41=42?= =?utf-8?b?w6k=?=')),
  body('a Subject of 60 KB of half encoded words', PLAIN, 1000, folded('Subject', '=?utf-8?q?=?=?=?')),
  body('1,000 recipients', PLAIN, 1000, FROM, 1000),
  flood('100,000 NOOPs in a group', 'NOOP\r\n'),
  flood('100,000 recipients in a group', 'RCPT TO:<u@elsewhere.test>\r\n'),
  flood('BDAT 0 in a group', 'BDAT 0\r\n', recipient),
  flood('chunks of one octet in a group', 'BDAT 1\r\nx', recipient),
];

/** The same command over and over, without listening. */
function flood(name: string, line: string, recipient?: string): Play {
  return {
    name,
    settle: 100,
    async run(wire) {
      if (recipient !== undefined) await envelope(wire, [recipient]);
      else await wire.ask('MAIL FROM:<a@sender.test>', /^250 /m);
      for (let n = 0; n < 100_000; n += 1000) if (!(await wire.send(line.repeat(1000)))) break;
      await wire.send('QUIT\r\n');
      await Promise.race([wire.hear(/^(?:221|421) .*\r\n/m), wire.closed]);
      return lastLine(wire);
    },
  };
}
