/** Previews: text only, bounded, and what is hostile fails to be shown and does nothing else. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { threadPreviewer } from '../../../src/adapters/preview/previewer.ts';
import { stripTags } from '../../../src/adapters/preview/strip-tags.ts';
import type { Preview } from '../../../src/ports/preview.ts';

const never = new AbortController().signal;

async function* piecewise(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += 65_536) yield octets.subarray(at, at + 65_536);
}
const look = (text: string, deadline?: number, signal = never) =>
  threadPreviewer(deadline).preview(piecewise(Buffer.from(text)), signal);
async function shown(text: string): Promise<Preview> {
  const came = await look(text);
  if (came.kind === 'failed') throw new Error(came.why);
  return came;
}

const HEAD = 'From: =?utf-8?q?J=C3=B6rg?= <j@x.test>\r\nTo: b@y.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n';
const MIXED = `${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n`;

describe('a preview', () => {
  test('has the header that a person asks for, the text, and what is attached', async () => {
    const octets = Buffer.from('%PDF-1.4 and so on');
    const came = await shown(
      `${MIXED}--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsch=F6n\r\n` +
        `--x\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n${octets.toString('base64')}\r\n--x--\r\n`,
    );
    expect(came.headers).toEqual([
      { name: 'From', value: '"Jörg" <j@x.test>' },
      { name: 'To', value: 'b@y.test' },
      { name: 'Subject', value: 'Grüße' },
    ]);
    expect(came).toMatchObject({ text: 'schön', textFrom: 'plain', textCut: false, readTo: Number.POSITIVE_INFINITY });
    const sha256 = createHash('sha256').update(octets).digest('hex');
    expect(came.attachments).toEqual([{ name: 'a.pdf', type: 'application/pdf', size: octets.length, sha256 }]);
  });

  test('of HTML is its text, with nothing fetched, run or believed', async () => {
    const html =
      '<html><head><title>no</title><style>p{}</style></head><body><p>Dear&nbsp;<b>Bob</b> &amp; co</p><script>alert(1)</script>' +
      '<!-- unseen --><img src="http://127.0.0.1:1/x.png"><div>pay &lt;now&gt;</div></body></html>';
    const came = await shown(`${HEAD}Content-Type: text/html\r\n\r\n${html}\r\n`);
    expect(came).toMatchObject({ text: 'Dear Bob & co\npay <now>', textFrom: 'html' });
  });

  test('is the start of a long text, and says so', async () => {
    const came = await shown(`${HEAD}\r\n${'0123456789'.repeat(20_000)}\r\n`);
    expect(came.text).toHaveLength(64 * 1024);
    expect(came.textCut).toBe(true);
  });

  test('names a hundred attachments and counts the rest', async () => {
    const part = '--x\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\na\r\n';
    const came = await shown(`${MIXED}${part.repeat(130)}--x--\r\n`);
    expect(came.attachments).toHaveLength(100);
    expect(came.attachmentsMore).toBe(30);
  });
});

describe('what is hostile', () => {
  test.each([
    ['a hundred thousand parts', `${MIXED}${'--x\r\n\r\na\r\n'.repeat(100_000)}--x--\r\n`],
    [
      'five thousand levels',
      HEAD +
        Array.from({ length: 5000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`).join(
          '',
        ),
    ],
  ])('%s are not shown, and it is said why', async (_what, text) => {
    expect(await look(text)).toEqual({ kind: 'failed', why: 'Max allowed child nodes exceeded' });
  });

  test.each([
    ['three hundred thousand open tags', `${HEAD}Content-Type: text/html\r\n\r\n${'<b>'.repeat(300_000)}`],
    ['as many that never close', `${HEAD}Content-Type: text/html\r\n\r\n${'<b '.repeat(300_000)}`],
    ['5 MB of lines that look like boundaries', `${MIXED}${'--xx\r\n'.repeat(900_000)}`],
    ['2 MB of dots', `${HEAD}\r\n${'..\r\n'.repeat(500_000)}`],
    ['a megabyte of one field', `${HEAD}X: ${'a'.repeat(1_000_000)}\r\n\r\nx\r\n`],
    ['a character set that nobody knows', `${HEAD}Content-Type: text/plain; charset="\u001b]0;x"\r\n\r\nx\r\n`],
    ['nothing at all', ''],
  ])('%s are shown, as far as there is something to show', async (_what, text) => {
    expect(await look(text)).toMatchObject({ kind: 'shown' });
  });

  test('what takes too long is ended, and it is said', async () => {
    const came = await look(`${HEAD}\r\n${'text\r\n'.repeat(4_000_000)}`, 50);
    expect(came).toEqual({ kind: 'failed', why: 'it takes longer than 50 ms' });
  });

  test('what is larger than a preview reads is read so far', async () => {
    const zero = new Uint8Array(1024 * 1024);
    let asked = 0;
    const endless = async function* () {
      yield Buffer.from(`${MIXED}--x\r\nContent-Type: application/octet-stream\r\n\r\n`);
      for (;;) {
        asked += 1;
        yield zero;
      }
    };
    const came = await threadPreviewer().preview(endless(), never);
    expect(came).toMatchObject({ kind: 'shown', readTo: expect.any(Number) });
    expect(asked).toBe(32);
  });

  test('a person who turns away ends it', async () => {
    const turning = new AbortController();
    const looking = look(`${HEAD}\r\n${'text\r\n'.repeat(4_000_000)}`, undefined, turning.signal);
    turning.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
  });

  test('content that cannot be read is a reason, not a crash', async () => {
    // biome-ignore lint/correctness/useYield: it ends before it has anything.
    const broken = (async function* (): AsyncGenerator<Uint8Array> {
      throw new Error('the spool has a hole');
    })();
    expect(await threadPreviewer().preview(broken, never)).toEqual({ kind: 'failed', why: 'the spool has a hole' });
  });
});

test.each([
  ['a<br>b</p>c', 'a\nb\nc'],
  ['<script>x</script >y', 'y'],
  ['<scripted>x', 'x'],
  ['1 < 2 <3 <b>b', '1 < 2 <3 b'],
  ['a <b never closed', 'a'],
  ['<!-- <p>no</p> -->yes', 'yes'],
  ['&#72;&#x69; &bogus; &#0;&#x110000;', 'Hi &bogus; &#0;&#x110000;'],
])('the text of %j is %j', (html, text) => {
  expect(stripTags(html, 1000)).toBe(text);
});
