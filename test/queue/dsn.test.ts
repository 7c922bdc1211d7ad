import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { composeDsn, type DsnParts } from '../../src/queue/dsn.ts';
import type { Report } from '../../src/queue/transition.ts';
import { T0 } from '../support/entries.ts';

const failed: Report = {
  action: 'failed',
  status: '5.1.1',
  host: 'mail1.internal:25',
  reply: { code: 550, enhanced: '5.1.1', text: 'no such user' },
  said: '550 5.1.1 no such user',
  at: T0 + 1000,
};
const ORIGINAL = 'Subject: hello\r\nMessage-ID: <m@sender.test>\r\n';

function text(
  changes: Partial<DsnParts> = {},
  report: Partial<Report> = {},
  recipient = 'bob@store.test',
  orcpt = '',
): string {
  return Buffer.from(
    composeDsn({
      id: '3f9k2m7q0d5xb',
      hostname: 'mx.gateway.test',
      to: 'alice@sender.test',
      at: T0 + 2000,
      arrivedAt: T0,
      envid: '',
      recordId: '3f9k2m7q0d5xa',
      recipients: [{ recipient, orcpt, report: { ...failed, ...report }, retryUntil: T0 + 5 * 86_400_000 }],
      original: { octets: Buffer.from(ORIGINAL), whole: false, utf8: false },
      ...changes,
    }),
  ).toString();
}
/** The body parts between the boundaries, headers and all. */
const parts = (message: string) => message.split(/^--=_[^\r]*\r\n/m).slice(1, -1);

/** The part for a person, decoded. */
function human(message: string): string {
  const [head = '', ...lines] = parts(message)[0]!.split('\r\n\r\n');
  const body = lines.join('\r\n\r\n');
  if (!head.includes('quoted-printable')) return body;
  const octets = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1').toString();
}

describe('a delivery status notification', () => {
  test('reads like this', () => {
    expect(text()).toBe(
      `Received: by mx.gateway.test (Postern) id 3f9k2m7q0d5xb;
	Sun, 22 Nov 2026 10:00:02 +0000
From: "Mail gateway mx.gateway.test" <MAILER-DAEMON@mx.gateway.test>
To: <alice@sender.test>
Subject: Not delivered: your message to bob@store.test
Date: Sun, 22 Nov 2026 10:00:02 +0000
Message-ID: <3f9k2m7q0d5xb@mx.gateway.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="=_3f9k2m7q0d5xb_mx.gateway.test"

This is a delivery status notification in MIME format (RFC 3464).

--=_3f9k2m7q0d5xb_mx.gateway.test
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Your message of Sun, 22 Nov 2026 10:00:00 +0000
with the subject "hello"
could not be delivered to:

    <bob@store.test>
      mail1.internal:25 answered: 550 5.1.1 no such user

It will not be tried again. If the address is right, show this to whoever looks after that mailbox.

(mx.gateway.test, Sun, 22 Nov 2026 10:00:02 +0000, ref 3f9k2m7q0d5xa)

--=_3f9k2m7q0d5xb_mx.gateway.test
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.gateway.test
Arrival-Date: Sun, 22 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; bob@store.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail1.internal
Diagnostic-Code: smtp; 550 5.1.1 no such user
Last-Attempt-Date: Sun, 22 Nov 2026 10:00:01 +0000

--=_3f9k2m7q0d5xb_mx.gateway.test
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

Subject: hello
Message-ID: <m@sender.test>

--=_3f9k2m7q0d5xb_mx.gateway.test--
`.replaceAll('\n', '\r\n'),
    );
  });

  test('is a multipart/report to a parser that is not ours', async () => {
    const parsed = await simpleParser(text({}, {}, 'bob@store.test', 'rfc822;robert@store.test'));
    expect(parsed.headers.get('content-type')).toMatchObject({
      value: 'multipart/report',
      params: { 'report-type': 'delivery-status' },
    });
    expect(parsed.text).toMatch(/could not be delivered[\s\S]*Action: failed/);
    expect(parsed.attachments.map((part) => part.contentType)).toEqual(['text/rfc822-headers']);
  });

  test('carries what the sender gave to know it again', () => {
    const status = parts(text({ envid: 'QQ314159' }, {}, 'bob@store.test', 'rfc822;robert@store.test'))[1];
    expect(status).toContain('Original-Envelope-Id: QQ314159\r\nReporting-MTA');
    expect(status).toContain('Original-Recipient: rfc822;robert@store.test\r\nFinal-Recipient');
  });

  test.each([
    [
      'delayed',
      'Delayed: ',
      'has not been delivered yet to',
      /Action: delayed[\s\S]*Will-Retry-Until: Fri, 27 Nov 2026/,
    ],
    [
      'delivered',
      'Delivered: ',
      'was delivered to',
      /Action: delivered\r\nStatus: 5.1.1\r\nRemote-MTA[^\r]*\r\nLast-Attempt/,
    ],
    ['relayed', 'Passed on: ', 'was passed on', /Action: relayed/],
  ] as const)('of what is %s says so', (action, subject, words, machine) => {
    const message = text({}, { action });
    expect(message).toContain(`Subject: ${subject}`);
    expect(message).toContain(words);
    expect(message).toMatch(machine);
  });

  test.each([
    ['failed', ['Diagnostic-Code', 'Last-Attempt-Date']],
    ['delayed', ['Diagnostic-Code', 'Last-Attempt-Date', 'Will-Retry-Until']],
    ['delivered', ['Last-Attempt-Date']],
    ['relayed', ['Last-Attempt-Date']],
    ['expanded', ['Last-Attempt-Date']],
  ] as const)('of what is %s has these fields and no others', (action, more) => {
    const block = parts(text({}, { action }))[1]!.split('\r\n\r\n')[2]!;
    const names = block.split(/\r\n(?=\S)/).map((line) => line.slice(0, line.indexOf(':')));
    expect(names).toEqual(['Final-Recipient', 'Action', 'Status', 'Remote-MTA', ...more]);
  });

  test('of what was never tried has no date of a last attempt (RFC 3464 §2.3.7)', () => {
    expect(text({}, { at: null, host: '', reply: null })).not.toContain('Last-Attempt-Date');
  });

  test('bounds what a host said, and breaks it between words for a person', () => {
    const message = text({}, { said: `550 ${'longish words '.repeat(200)}` });
    const said = parts(message)[0]!
      .split('\r\n')
      .filter((line) => /^ {6}/.test(line));
    expect(said.length).toBeGreaterThan(5);
    for (const line of said) expect(line).toMatch(/^ {6}\S.{0,69}$/);
    for (const line of said.slice(0, -1)) expect(line).toMatch(/(?:longish|words)$/);
    expect(/^Diagnostic-Code: [\s\S]*?(?=\r\n\S)/m.exec(message)![0].length).toBeLessThan(700);
  });

  test('stays ASCII for programs where only a person reads of letters beyond', () => {
    const message = text({}, { said: '550 größer' });
    expect(message).toContain('Content-Type: message/delivery-status\r\n\r\n');
    expect(message).toContain('Diagnostic-Code: smtp; 550 gr??er');
    expect(human(message)).toContain('550 größer');
  });

  test.each([
    ['as it stands', 'Subject: the offer', ['with the subject "the offer"']],
    ['whatever the case of its name, the first of two', 'sUBJECT: one\r\nSubject: two', ['with the subject "one"']],
    ['decoded', 'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?Q?_an_Bob?=', ['with the subject "Grüße an Bob"']],
    ['in UTF-8', 'Subject: 見積書', ['with the subject "見積書"']],
    [
      'folded, and cleaned of what would begin a line or turn the writing',
      'Subject: a\r\n b =?utf-8?Q?c=0D=0ABcc:_x=E2=80=AEy?=',
      ['with the subject "a b c\\x0d\\x0aBcc: x\\u202ey"'],
    ],
    ['not where it says nothing', 'Subject:  ', []],
    ['not where there is none', 'X-Subject: no', []],
  ])('names the subject %s, to a person alone', (_, header, lines) => {
    const message = text({ original: { octets: Buffer.from(`${header}\r\n`), whole: false, utf8: false } });
    const shown = human(message).split('\r\n');
    const end = shown.indexOf('could not be delivered to:');
    expect(shown.slice(1, end)).toEqual(lines);
    expect(message.slice(0, message.indexOf('\r\n\r\n'))).not.toContain(lines[0] ?? 'with the subject');
  });

  test('bounds a subject, so that the recipient stands within the first ten lines', () => {
    const octets = Buffer.from(`Subject: ${'very '.repeat(500)}\r\n\r\nSubject: of the body\r\n`);
    const shown = human(text({ original: { octets, whole: true, utf8: false } })).split('\r\n');
    expect(shown.indexOf('    <bob@store.test>')).toBeLessThan(6);
    for (const line of shown) expect(line.length).toBeLessThan(101);
  });

  test('asks for eight bits of its way back only where what it returns has them', async () => {
    const octets = Buffer.from('Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n');
    const message = text({ original: { octets, whole: false, utf8: false } });
    expect(message).toMatch(/^[\x00-\x7f]*$/);
    expect((await simpleParser(message)).text).toContain('with the subject "Grüße"\ncould not');
  });

  test('says what went wrong in our own words as our own', () => {
    const message = text({}, { host: '', reply: null, said: 'connect ECONNREFUSED 192.0.2.1:25' });
    expect(message).toContain('Diagnostic-Code: x-postern; connect ECONNREFUSED 192.0.2.1:25\r\nLast');
    expect(message).not.toContain('Remote-MTA');
    const ours = text({}, { host: '', said: '556 5.1.10 away.test takes no mail (null MX)' });
    expect(ours).toContain('Diagnostic-Code: x-postern; 556 5.1.10 away.test takes no mail');
  });

  test('names no last attempt where there was none', () => {
    expect(text()).toContain('Last-Attempt-Date: ');
    expect(text({}, { at: null })).not.toContain('Last-Attempt-Date');
  });
  test('lets no text from outside begin a line', () => {
    const evil = 'x\r\nBcc: all@victim.test\r\n\r\n--=_3f9k2m7q0d5xb_mx.gateway.test\r\n';
    const message = text({ envid: evil }, { said: `550 ${evil}` }, 'bob@store.test', `rfc822;${evil}`);
    expect(message).not.toMatch(/\nBcc:/);
    expect(parts(message)).toHaveLength(3);
  });

  test('with an address beyond ASCII is UTF-8 as a whole, and says so', () => {
    const message = text(
      { original: { octets: Buffer.from('Subject: grüße\r\n'), whole: false, utf8: true } },
      {},
      'grüße@store.test',
    );
    expect(message).toContain('Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit');
    expect(message).toContain('Final-Recipient: utf-8; grüße@store.test');
    expect(human(message)).toMatch(/with the subject "grüße"\r\n.*\r\n\r\n {4}<grüße@store\.test>\r\n/);
    expect(message).toContain('Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit');
    // A header field of its own stays ASCII.
    expect(message.slice(0, message.indexOf('\r\n\r\n'))).toMatch(/^[\x00-\x7f]*$/);
  });

  test('returns octets as they were', () => {
    const octets = Buffer.from('A: b\r\n\r\n\xff\xfe\r\n', 'latin1');
    const whole = Buffer.from(
      composeDsn({
        id: 'i',
        hostname: 'h.test',
        to: 'a@b',
        at: T0,
        arrivedAt: T0,
        envid: '',
        recordId: 'r',
        recipients: [{ recipient: 'b@c', orcpt: '', report: failed, retryUntil: T0 }],
        original: { octets, whole: true, utf8: false },
      }),
    );
    expect(
      whole.includes(
        Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'), octets]),
      ),
    ).toBe(true);
  });
});

describe('what is beside the words', () => {
  test.each([
    ['mail1.internal:25', 'Remote-MTA: dns; mail1.internal\r\n'],
    ['192.0.2.1:25', 'Remote-MTA: dns; [192.0.2.1]\r\n'],
    ['[192.0.2.1]:25', 'Remote-MTA: dns; [192.0.2.1]\r\n'],
    ['[2001:db8::1]:25', 'Remote-MTA: dns; [IPv6:2001:db8::1]\r\n'],
    ['mx1.away.test[192.0.2.1]:25', 'Remote-MTA: dns; mx1.away.test\r\n'],
    ['mx1.away.test[2001:db8::1]:25', 'Remote-MTA: dns; mx1.away.test\r\n'],
    ['unix:/run/dovecot/lmtp', undefined],
    ['/var/mail/store.test/bob', undefined],
    ['', undefined],
  ])('host %s is named as %s', (host, expected) => {
    expect(text({}, { host }).match(/^Remote-MTA.*\r\n/m)?.[0]).toBe(expected);
  });

  test('an original that could not be had leaves its part out', () => {
    const original = { octets: new Uint8Array(), whole: false, utf8: false };
    expect(parts(text({ original }))).toHaveLength(2);
    expect(parts(text())).toHaveLength(3);
  });

  test('an original with eight bits is said on top, too', () => {
    const original = { octets: Buffer.from('Subject: gr\xfcn\r\n', 'latin1'), whole: false, utf8: false };
    const [head] = text({ original }).split('\r\n\r\n');
    expect(head).toContain('\r\nContent-Transfer-Encoding: 8bit');
    expect(text().split('\r\n\r\n')[0]).not.toContain('Transfer-Encoding');
  });
});
