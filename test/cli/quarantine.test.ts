import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { QuarantineItem } from '../../src/ports/queue.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { scannerSaying } from '../support/held.ts';
import { NOON, sampleEntry, sampleId, sampleItem, sampleRecipient, sampleRecord, spool } from '../support/samples.ts';

const id = (n: number): string => sampleId(NOON, n);
interface Aside {
  readonly text?: string;
  readonly to?: readonly string[];
  readonly item?: Partial<QuarantineItem>;
  readonly entry?: Partial<QueueEntry>;
  readonly record?: Partial<TransactionRecord>;
}
async function keepAside(world: FakeWorld, n: number, { text, to, item, entry, record }: Aside = {}): Promise<void> {
  const content = await spool(world.store.content, text ?? `Subject: message ${n}\r\n\r\nhello\r\n`);
  const quarantine = (to ?? ['bob@example.com']).map((recipient, at) =>
    sampleItem(
      sampleEntry(id(n), content.ref, { id: `${id(n)}.${at + 1}`, recipient, contentSize: content.size, ...entry }),
      item,
    ),
  );
  await world.store.queue.admit({
    record: sampleRecord(id(n), record),
    events: [],
    content,
    entries: [],
    quarantine,
  });
}
async function run(world: FakeWorld, ...words: string[]) {
  world.written.out = '';
  world.written.err = '';
  return { status: await runCli(['quarantine', ...words], world), ...world.written };
}
const queued = async (world: FakeWorld) => (await world.store.queue.list({})).map(({ recipient }) => recipient);
const story = async (world: FakeWorld, n: number) => (await world.store.records.get(id(n)))!.events;
const check = (name: string, kind = name) => ({
  ...{ name, check: kind, stage: 'content', status: 'completed', why: '', inputs: {}, took: 1, dns: [], evidence: {} },
});
/** A record with what scanners said, one of them once for each recipient. */
const SCORED = {
  facts: { rspamd: { score: 12.5 }, clamav: { result: 'infected', signature: 'Eicar' } },
  checks: [check('rspamd'), check('clamav')],
  recipients: [
    sampleRecipient({ score: 7.5, facts: { sa: { score: 3 } }, checks: [check('sa', 'spamassassin')] as never }),
  ],
} as unknown as Partial<TransactionRecord>;

describe('looking', () => {
  test('list and show tell size, reason, scores, who may release it and when it goes', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, { record: SCORED, item: { class: 'malware' } });
    await keepAside(world, 2);
    const [first, second] = (await run(world, 'list')).out.split('\n');
    expect(first).toMatch(
      / malware +29 B {2}<alice@example\.org> -> <bob@example\.com> {2}spam score 7 {2}\(total 7\.5, rspamd 12\.5, sa 3, Eicar\)$/,
    );
    expect(second).toMatch(/spam score 7$/);
    const { out } = await run(world, 'show', id(1));
    expect(out).toMatch(/scores +total 7\.5, rspamd 12\.5, sa 3, Eicar\n/);
    expect(out).toMatch(/class +malware, released by administrator\n/);
    expect(out).toMatch(/until +2026-12-22T12:00:00\.000Z\n/);
    expect(out).not.toContain('Subject');
    const json = JSON.parse((await run(world, 'show', id(1), '--json')).out);
    expect(json).toMatchObject({
      class: 'malware',
      released_by: 'administrator',
      until: '2026-12-22T12:00:00.000Z',
      scores: { total: 7.5, scanners: { rspamd: 12.5, sa: 3 }, signature: 'Eicar' },
      entry: { content_size: 29 },
    });
  });

  test('of a redirected message it is told whom the sender wrote to, and what it scored for them', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, { record: SCORED, to: ['desk@example.com'] });
    const { out } = await run(world, 'show', id(1));
    expect(out).toMatch(/to +<desk@example\.com> by route/);
    expect(out).toMatch(/for +<bob@example\.com>, as the sender wrote: a rule redirects it\n/);
    expect(out).toMatch(/scores +total 7\.5/);
    const [line] = (await run(world, 'list', '--json')).out.split('\n');
    expect(JSON.parse(line!)).toMatchObject({
      written_to: 'bob@example.com',
      entry: { recipient: 'desk@example.com' },
    });
  });

  test('--preview shows the header, the text set off, and what is attached', async () => {
    const world = fakeWorld();
    const text = `From: a@x.test\r\nSubject: pay\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nfirst\r\n${id(1)}.1  forged\r\n${'long '.repeat(300)}\r\n--x\r\nContent-Disposition: attachment; filename=a.exe\r\n\r\nMZ\r\n--x--\r\n`;
    await keepAside(world, 1, { text });
    const { out, status } = await run(world, 'show', id(1), '--preview');
    expect(status).toBe(0);
    expect(out).toContain(`  Subject: pay\n`);
    expect(out).toContain(`  | first\n  | ${id(1)}.1  forged\n`);
    expect(out.match(/^ {2}\| (?:long )+/gm)!.length).toBeGreaterThan(2);
    expect(out).toMatch(/attachment "a\.exe" {2}\S+ {2}2 octets {2}sha256 [0-9a-f]{64}\n/);
    const { preview } = JSON.parse((await run(world, 'show', id(1), '--preview', '--json')).out);
    expect(preview).toMatchObject({ text_from: 'plain', text_cut: false, attachments_more: 0, read_to: null });
  });

  test('a message that cannot be previewed is told with the reason and exit 1; what is known of it is shown', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, {
      text: `Content-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\n\r\na\r\n'.repeat(5000)}`,
    });
    const { status, out, err } = await run(world, 'show', id(1), '--preview');
    expect({ status, err }).toEqual({
      status: 1,
      err: `postern: ${id(1)}.1 cannot be previewed: Max allowed child nodes exceeded\n`,
    });
    expect(out).toContain('spam score 7');
    const json = await run(world, 'show', id(1), '--preview', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ preview_failed: 'Max allowed child nodes exceeded' });
  });
});

describe('releasing', () => {
  test('malware is for an administrator with a reason; what stays is told with its remedy', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, { item: { class: 'malware' } });
    await keepAside(world, 2);
    const both = [id(1), id(2)];
    const first = await run(world, 'release', ...both);
    expect(first).toMatchObject({ status: 1, out: '1 released\n' });
    expect(first.err).toBe(
      `postern: ${id(1)}.1 stays: class malware is released by an administrator only. give --role administrator\n`,
    );
    expect((await run(world, 'release', id(1), '--role', 'administrator')).err).toContain('say it with --why');
    const last = await run(world, 'release', id(1), '--role', 'administrator', '--why', 'for the lab');
    expect(last).toMatchObject({ status: 0, out: '1 released\n', err: '' });
    expect((await story(world, 1)).map(({ kind, by, text }) => [kind, by, text])).toEqual([
      ['not_released', 'olga', 'class malware is released by an administrator only'],
      ['not_released', 'olga', 'as administrator; class malware is never released without a reason'],
      ['released', 'olga', 'as administrator; for the lab'],
    ]);
  });

  test('a record’s id releases all of its recipients, --to those it names, and nobody else is sent a copy', async () => {
    const world = fakeWorld();
    const to = ['a@example.com', 'b@example.com', 'c@example.com'];
    await keepAside(world, 1, { to });
    await keepAside(world, 2, { to });
    expect(await run(world, 'release', id(1), '--to', 'eve@example.net')).toMatchObject({
      status: 1,
      err: expect.stringContaining('nothing of it is held for <eve@example.net>'),
    });
    expect(await queued(world)).toEqual([]);
    expect((await run(world, 'release', id(1), '--to', 'A@example.com', '--to', 'c@example.com')).out).toBe(
      '2 released\n',
    );
    expect(await queued(world)).toEqual(['a@example.com', 'c@example.com']);
    expect((await run(world, 'release', id(2))).out).toBe('3 released\n');
  });

  test('what the scanner finds stays, unless an administrator says why not', async () => {
    const world = fakeWorld();
    await keepAside(world, 1);
    world.scanner = scannerSaying({ kind: 'infected', signature: 'Eicar' });
    const { status, err } = await run(world, 'release', id(1), '--why', 'asked by phone');
    expect(status).toBe(1);
    expect(err).toContain('scanned again: infected, Eicar. an administrator may: --role administrator --despite-scan');
    expect(await run(world, 'release', id(1), '--despite-scan')).toMatchObject({ status: 2 });
    const json = await run(world, 'release', id(1), '--json');
    expect(JSON.parse(json.out)).toMatchObject({ changed: 0, items: [{ id: `${id(1)}.1`, came: 'refused' }] });
    const despite = ['--role', 'administrator', '--why', 'a false alarm', '--despite-scan'];
    expect(await run(world, 'release', id(1), ...despite)).toMatchObject({ status: 0, out: '1 released\n' });
    expect((await story(world, 1)).at(-1)!.text).toBe(
      'as administrator; a false alarm; scanned again: infected, Eicar',
    );
  });
});

describe('what is not there', () => {
  test('an id that is not held is told by each command, with exit 1, and the others go on', async () => {
    const world = fakeWorld();
    await keepAside(world, 1);
    const gone = `postern: ${id(2)}.1 is not in quarantine, or not with these options; \`postern trace ${id(2)}.1\` tells what became of it\n`;
    for (const words of [['list'], ['show'], ['release'], ['delete']]) {
      const came = await run(world, ...words, `${id(2)}.1`);
      expect(came, words[0]).toMatchObject({ status: 1, err: gone });
    }
    expect(await run(world, 'release', id(1), `${id(2)}.1`)).toEqual({ status: 1, out: '1 released\n', err: gone });
    expect((await run(world, 'release', id(1), '--to', 'bob@example.com')).err).toContain(
      `${id(1)} is not in quarantine`,
    );
  });

  test('a class that is none is a slip, not an empty quarantine', async () => {
    const world = fakeWorld();
    await keepAside(world, 1);
    const { status, out, err } = await run(world, 'delete', '--class', 'malwre');
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain('malware');
  });
});

describe('text from outside', () => {
  const EVIL = '\u001b[2J\r\nforged \u0000\u009b31m\u202etxt.exe\u2066\u2028<script>alert(1)</script>\u007f';
  const LONG = 'x'.repeat(10_000);
  const NOT_SHOWN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
  const base64 = (text: string): string => `=?utf-8?b?${Buffer.from(text).toString('base64')}?=`;

  async function hostile(): Promise<FakeWorld> {
    const world = fakeWorld();
    const record = {
      ...SCORED,
      facts: {
        client: { ip: '192.0.2.1', network: '192.0.2.0/24', name: EVIL, user: '' },
        mail: { address: 'alice@example.org', domain: 'example.org' },
        clamav: { result: 'infected', signature: EVIL + LONG },
        rspamd: { score: 12.5, symbols: [EVIL, LONG] },
        structure: { attachments: [{ name: EVIL, extension: EVIL }] },
      },
      message: { id: EVIL, from: EVIL, subject: EVIL + LONG, size: 12, sha256: '' },
    } as unknown as Partial<TransactionRecord>;
    const text =
      `From: ${base64(EVIL)} <a@x.test>\r\nSubject: ${base64(EVIL)}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n` +
      `--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`${EVIL}\n${LONG}`).toString('base64')}\r\n` +
      `--x\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(EVIL)}${LONG}\r\n\r\nMZ\r\n--x--\r\n`;
    const item = { reason: EVIL + LONG, rule: 'spam' } as const;
    await keepAside(world, 1, { text, item, record, entry: { last: null } });
    await world.store.records.addEvents([
      { recordId: id(1), at: NOON, recipient: 1, kind: 'not_released', by: 'olga', text: EVIL },
    ]);
    return world;
  }

  test.each([
    ['quarantine', 'list'],
    ['quarantine', 'show', id(1)],
    ['quarantine', 'show', id(1), '--preview'],
    ['trace', id(1)],
    ['log'],
  ])('%s %s is shown escaped, on lines of its own making, and bounded', async (...words) => {
    const world = await hostile();
    const plain = await runCli(words, world);
    expect(plain).toBe(0);
    const { out, err } = world.written;
    expect(out + err).not.toMatch(NOT_SHOWN);
    expect(out).not.toMatch(/^forged/m);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(1000);
    world.written.out = '';
    await runCli([...words, '--json'], world);
    expect(world.written.out).not.toMatch(NOT_SHOWN);
    // What a parser reads is what was said: escaping changes nothing for other programs.
    expect(JSON.stringify(JSON.parse(world.written.out))).toContain(JSON.stringify(EVIL).slice(1, 12));
  });

  test('the scanner’s words at release are escaped, on the terminal and on record', async () => {
    const world = await hostile();
    world.scanner = scannerSaying({ kind: 'infected', signature: EVIL + LONG });
    const { out, err } = await run(world, 'release', id(1));
    expect(out + err).not.toMatch(NOT_SHOWN);
    const { text } = (await story(world, 1)).at(-1)!;
    expect(text).not.toMatch(NOT_SHOWN);
    expect(text.length).toBeLessThan(400);
  });
});
