/** Messages that are hard to sign, each by its name: as octets, one character each. */

const head = (...more: readonly string[]): string =>
  [
    'From: Alice <alice@example.com>',
    'To: Bob <bob@store.test>',
    'Subject: hello',
    'Date: Sat, 28 Nov 2026 09:00:00 +0000',
    'Message-ID: <m@example.com>',
    ...more,
    '',
    '',
  ].join('\r\n');

export const AWKWARD: { readonly [name: string]: string } = {
  plain: `${head()}Body.\r\n`,
  '8-bit': `${head('MIME-Version: 1.0', 'Content-Type: text/plain; charset=latin1', 'Content-Transfer-Encoding: 8bit')}gr\xfc\xdfe\r\n`,
  'UTF-8 in its header': head().replace('hello', 'gr\xc3\xbc\xc3\x9fe').concat('Body.\r\n'),
  'an empty body': head(),
  'no body and no blank line': head().slice(0, -2),
  'a body of nothing but blank lines': `${head()}\r\n \r\n\t\r\n\r\n`,
  'trailing blank lines': `${head()}Body.\r\n\r\n  \r\n\r\n\r\n`,
  'many blank lines within': `${head()}Body.\r\n${'\r\n'.repeat(5000)}End.\r\n`,
  'no final line end': `${head()}Body. `,
  'blanks of all kinds': `${head()} a  b\t\tc \t \r\n\t\r\n \t d\r\n`,
  'long lines': `${head()}${`${'x '.repeat(480)}\r\n`.repeat(50)}`,
  'folded headers': `${head('References: <a@b.test>\r\n\t<c@d.test>\r\n  <e@f.test>', 'X-Other: a\r\n b')}Body.\r\n`
    .replace('Subject: hello', 'Subject:   hello\r\n\tworld  \r\n \tof  folds ')
    .replace('To: ', 'to: \r\n '),
  'a blank before the colon': `${head().replace('To:', 'to\t :')}Body.\r\n`,
  'duplicate headers': `${head('To: Carl <carl@store.test>', 'Subject: again', 'Cc: a@b.test', 'Cc: c@d.test', 'Received: by x')}Body.\r\n`,
  'what a list would use': `${head('Sender: s@example.com', 'In-Reply-To: <a@b.test>', 'List-Unsubscribe: <https://example.com/u>', 'List-Unsubscribe-Post: List-Unsubscribe=One-Click')}Body.\r\n`,
  'a file in it': [
    head('MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=x', 'Content-Language: en'),
    '--x\r\nContent-Type: text/plain\r\n\r\nLetter.\r\n--x\r\nContent-Type: application/octet-stream; name=a.exe\r\n',
    `Content-Disposition: attachment; filename=a.exe\r\n\r\n${'MZ\r\n'.repeat(20_000)}\r\n--x--\r\n`,
  ].join(''),
};
