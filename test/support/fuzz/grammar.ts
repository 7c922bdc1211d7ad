/** Sessions from a grammar of SMTP: mostly as clients speak, with everything in it that they get wrong. Octets stand as latin1. */
import fc, { type Arbitrary } from 'fast-check';

export interface Piece {
  readonly octets: string;
  /** The client waits for an answer before it goes on. */
  readonly listens: boolean;
}

const weighted = <T>(...choices: readonly (readonly [number, Arbitrary<T>])[]): Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const words = (...texts: readonly string[]): Arbitrary<string> => fc.constantFrom(...texts);
const octets = (max: number): Arbitrary<string> =>
  fc.uint8Array({ maxLength: max }).map((all) => Buffer.from(all).toString('latin1'));

const address = words(
  ...['a@example.net', 'bob@example.com', 'carol@example.com', 'dave+archive@example.com', 'postmaster', 'POSTMASTER'],
  ...[
    'bob@example.org',
    'nobody@example.org',
    'reject@example.com',
    'defer@example.com',
    'a@null.example',
    'x@dead.example',
  ],
  ...['', '"a b"@example.com', '"a\\"@b"@example.com', 'a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]', 'a@[300.1.1.1]'],
  ...[
    'b%example.net@example.com',
    'example.net!b@example.com',
    '@one.example,@two.example:b@example.com',
    'b@example.net',
  ],
  ...[
    'b@xn--bcher-kva.example',
    'j\xc3\xbcrgen%b@example.com',
    `b@${'d.'.repeat(110)}com`,
    'b@b\xc3\xbccher.example',
    'j\xc3\xbcrgen@example.com',
    'b\xff@example.com',
    'b@@example.com',
  ],
  ...[
    'b@example.com.',
    '.b@example.com',
    'b@-example.com',
    `${'l'.repeat(65)}@example.com`,
    `b@${'d.'.repeat(130)}com`,
    'b',
  ],
);
const good = words('a@example.net', 'b@other.example', '', 'carol@example.com');
const taken = words(
  'bob@example.com',
  'carol@example.com',
  'dave+archive@example.com',
  'bob@example.org',
  'a@grey.example',
  'j\xc3\xbcrgen@example.org',
);

const mailParameter = words(
  ...['SIZE=100', 'SIZE=0', 'SIZE=99999999999', 'SIZE=-1', 'SIZE', 'BODY=8BITMIME', 'BODY=7BIT', 'BODY=BINARYMIME'],
  ...[
    'SMTPUTF8',
    'RET=HDRS',
    'RET=ALL',
    'ENVID=QQ+2B1',
    'ENVID=+zz',
    'AUTH=<>',
    'REQUIRETLS',
    'size=5',
    'X=',
    '=',
    'SIZE=1 SIZE=2',
  ],
);
const rcptParameter = words(
  ...[
    'NOTIFY=NEVER',
    'NOTIFY=SUCCESS,FAILURE',
    'NOTIFY=NEVER,DELAY',
    'ORCPT=rfc822;b+40example.com',
    'ORCPT=b',
    'FOO=BAR',
  ],
);
const parameters = (one: Arbitrary<string>): Arbitrary<string> =>
  weighted(
    [5, fc.constant('')],
    [2, fc.array(one, { maxLength: 3 }).map((all) => all.map((word) => ` ${word}`).join(''))],
  );

const hello = weighted(
  [6, words('EHLO client.example.net', 'HELO client.example.net', 'EHLO [192.0.2.1]')],
  [
    1,
    words(
      'EHLO',
      'HELO ',
      'EHLO a b',
      'EHLO mx.example.com',
      'ehlo x\xff',
      `EHLO ${'x'.repeat(300)}`,
      'LHLO a',
      'EHLO unresolved.example',
    ),
  ],
);
const mail = weighted(
  [5, good.map((path) => `MAIL FROM:<${path}>`)],
  [1, words('MAIL FROM:<a@example.net> SMTPUTF8', 'MAIL FROM:<j\xc3\xbcrgen@example.net> SMTPUTF8 BODY=8BITMIME')],
  [
    3,
    fc
      .tuple(weighted([3, good], [2, address]), parameters(mailParameter))
      .map(([path, rest]) => `MAIL FROM:<${path}>${rest}`),
  ],
  [
    1,
    words(
      'MAIL',
      'MAIL FROM',
      'MAIL FROM:a@example.net',
      'MAIL FROM: <a@example.net>',
      'mail from:<a@example.net',
      'MAIL FROM:<reject@example.net>',
      'MAIL TO:<b>',
    ),
  ],
);
const rcpt = weighted(
  [5, taken.map((path) => `RCPT TO:<${path}>`)],
  [
    3,
    fc
      .tuple(weighted([1, taken], [2, address]), parameters(rcptParameter))
      .map(([path, rest]) => `RCPT TO:<${path}>${rest}`),
  ],
  [1, words('RCPT', 'RCPT TO', 'RCPT TO:bob@example.com', 'rcpt to: <bob@example.com>', 'RCPT TO:<>', 'RCPT FROM:<b>')],
);
const loose = words(
  ...[
    'RSET',
    'RSET now',
    'NOOP',
    'NOOP a b c',
    'VRFY bob',
    'EXPN list',
    'HELP',
    'HELP DATA',
    'QUIT',
    'QUIT now',
    'ETRN a',
    'TURN',
  ],
  ...[
    'AUTH PLAIN AGEAYg==',
    'AUTH LOGIN',
    'AUTH',
    '*',
    'STARTTLS',
    'STARTTLS now',
    'DATA',
    'DATA now',
    'GET / HTTP/1.1',
    'Host: a',
  ],
  ...[
    'XCLIENT ADDR=192.0.2.7 NAME=c.example.net',
    'XCLIENT ADDR=IPV6:2001:db8::1 LOGIN=alice',
    'XCLIENT ADDR=192.0.2.66',
  ],
  ...[
    'XCLIENT ADDR=192.0.2.67',
    'XCLIENT',
    'XCLIENT ADDR=300.1.1.1',
    'XCLIENT NAME=a+0D+0Ab',
    'XCLIENT PORT=25 NAME=[UNAVAILABLE]',
  ],
  ...[
    'PROXY TCP4 192.0.2.7 198.51.100.1 4711 25',
    '',
    ' ',
    'MAIL\t',
    'NOOP\x00',
    'NOOP \x1b[2J',
    'caf\xc3\xa9',
    '\xff\xfe',
    'WIZ',
  ],
  ...[
    'BDAT',
    'BDAT x',
    'BDAT -1',
    'BDAT 5 FIRST',
    'BDAT 999999999999',
    'BDAT 18446744073709551616 LAST',
    'BDAT 0',
    'BDAT 0 LAST',
  ],
);
const line = (command: string): Piece => ({ octets: `${command}\r\n`, listens: true });
const garbage: Arbitrary<Piece> = weighted(
  [2, fc.record({ octets: octets(80), listens: fc.boolean() })],
  [
    1,
    words(
      'NOOP\n',
      'NOOP\rNOOP\r\n',
      '\r\n',
      '\n',
      'NOO',
      'MAIL FROM:<',
      `NOOP ${'x'.repeat(3000)}\r\n`,
      '\x16\x03\x01\x02\x00\x01',
    ).map((text) => ({ octets: text, listens: true })),
  ],
);

const field = words(
  ...[
    'From: a@example.net',
    'From: b@reject.example',
    'From: c@dead.example',
    'From: a@x, b@y',
    'From:',
    'To: bob@example.com',
  ],
  ...[
    'Subject: hello',
    'Subject: reject',
    'Subject: drop',
    'Subject: =?utf-8?q?h=c3=a9?=',
    'Subject: \xc3\xa9\xff',
    'Received: from a by b',
  ],
  ...[
    'Received: from a by b',
    'Received: from a by b',
    'Message-ID: <1@example.net>',
    'Date: Sun, 22 Nov 2026 10:00:00 +0000',
  ],
  ...[
    'Authentication-Results: mx.example.com; spf=pass',
    ' folded',
    'no field',
    ': nothing',
    `X-Long: ${'x'.repeat(5000)}`,
  ],
);
const text = weighted(
  [
    6,
    words('', 'hello', '.', '..', '...', '.text', 'QUIT', 'MAIL FROM:<a@example.net>', 'BDAT 3 LAST', 'x'.repeat(998)),
  ],
  [
    1,
    words(
      '\x00',
      'a\rb',
      'a\nb',
      '\r',
      '\n.',
      '\n.\n',
      '\r.\r',
      '.\r',
      '\x80\xff',
      'x'.repeat(5000),
      'ab\r\n'.repeat(2000),
    ),
  ],
  [1, octets(60)],
);
/** Mostly without what is refused: one odd line in a message is enough to lose it. */
const plainText = words('', 'hello', '..', '...', 'QUIT', 'line of text', '\x80\xff', 'x'.repeat(998));
const body: Arbitrary<string> = fc
  .tuple(
    fc.array(field, { maxLength: 5 }),
    weighted([3, fc.array(plainText, { maxLength: 5 })], [1, fc.array(text, { maxLength: 5 })]),
  )
  .map(([fields, lines]) => [...fields, '', ...lines, ''].join('\r\n'));
const large = fc.nat(40).map((times) => `Subject: large\r\n\r\n${`${'x'.repeat(2000)}\r\n`.repeat(times)}`);
const content = weighted([12, body], [1, large]);

const stuffed = (octetsOf: string): string => octetsOf.replace(/^\./gm, '..');
const byData: Arbitrary<readonly Piece[]> = fc
  .tuple(
    content,
    weighted(
      [8, fc.constant('.\r\n')],
      [1, words('.\n', '\n.\n', '', '.\r', '. \r\n', '.\r\nQUIT\r\n', '.\r\nNOOP\r\n')],
    ),
    fc.boolean(),
  )
  .map(([message, end, stuffs]) => [
    line('DATA'),
    { octets: `${stuffs ? stuffed(message) : message}${end}`, listens: true },
  ]);
const byChunks: Arbitrary<readonly Piece[]> = fc
  .array(fc.tuple(content, weighted([8, fc.constant(0)], [1, fc.constantFrom(-3, -1, 1, 7, 200_000)])), {
    minLength: 1,
    maxLength: 3,
  })
  .map((chunks) =>
    chunks.map(([octetsOf, off], n) => ({
      octets: `BDAT ${Math.max(0, octetsOf.length + off)}${n === chunks.length - 1 ? ' LAST' : ''}\r\n${octetsOf}`,
      listens: true,
    })),
  );

const transaction: Arbitrary<readonly Piece[]> = fc
  .tuple(
    mail,
    fc.array(rcpt, { minLength: 1, maxLength: 4 }),
    weighted([3, byData], [2, byChunks], [1, fc.constant([])]),
    fc.boolean(),
  )
  .map(([from, to, message, pipelines]) => {
    const envelope = [line(from), ...to.map(line)];
    // As RFC 2920 §3.1 has it: all in one segment, and a reply to each.
    const told = pipelines ? [{ octets: envelope.map((one) => one.octets).join(''), listens: true }] : envelope;
    return [...told, ...message];
  });

export const conversation: Arbitrary<readonly Piece[]> = fc
  .tuple(
    weighted([9, hello.map((one) => [line(one)])], [1, fc.constant<Piece[]>([])]),
    fc.array(
      weighted<readonly Piece[]>(
        [6, transaction],
        [3, weighted([3, loose], [1, hello], [1, mail], [1, rcpt]).map((one) => [line(one)])],
        [1, garbage.map((one) => [one])],
      ),
      { maxLength: 5 },
    ),
  )
  .map(([first, rest]) => [...first, ...rest.flat()]);
