/** Who may give back what, after which look, and what the record says of it. */
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../../src/adapters/memory/store.ts';
import { type ReleaseWish, release } from '../../../src/gateway/quarantine/release.ts';
import { rescan } from '../../../src/gateway/quarantine/rescan.ts';
import { RELEASED_BY, type Releaser } from '../../../src/gateway/quarantine/rights.ts';
import type { Role } from '../../../src/policy/held-rights.ts';
import type { QuarantineItem } from '../../../src/ports/queue.ts';
import { ServiceError, type VirusScanner } from '../../../src/ports/services.ts';
import type { Store } from '../../../src/ports/store.ts';
import { HELD_CLASSES } from '../../../src/queue/held-class.ts';
import { held, hold, LETTER, scannerSaying } from '../../support/held.ts';
import { NOON, sampleId } from '../../support/samples.ts';

const BOB: Releaser = { role: 'recipient', name: 'bob@example.com' };
const OLGA: Releaser = { role: 'operator', name: 'olga' };
const ADA: Releaser = { role: 'administrator', name: 'ada' };
const installation = {
  routes: new Map(),
  queue: { retry: [1000], expire: 86_400_000, delayNotice: 'never' as const, notificationExpire: 86_400_000 },
};
const never = new AbortController().signal;

const ask = (
  store: Store,
  items: readonly QuarantineItem[],
  who: Releaser,
  more: Partial<ReleaseWish> = {},
  scanner?: VirusScanner,
) =>
  release(
    { queue: store.queue, records: store.records, scanner, clock: { now: () => NOON + 7 }, installation },
    { who, items, why: '', ...more },
    never,
  );
const events = async (store: Store, n = 1) =>
  (await store.records.get(sampleId(NOON, n)))!.events.map(({ kind, by, text, recipient }) => [
    kind,
    recipient,
    by,
    text,
  ]);

describe('rights', () => {
  /** docs/policy.md §5, written out once more. */
  const TABLE: { readonly [name in (typeof HELD_CLASSES)[number]]: readonly Role[] } = {
    spam: ['recipient', 'operator', 'administrator'],
    bulk: ['recipient', 'operator', 'administrator'],
    policy: ['operator', 'administrator'],
    spoof: ['operator', 'administrator'],
    attachment: ['operator', 'administrator'],
    mixed: ['operator', 'administrator'],
    undeliverable: ['operator', 'administrator'],
    malware: ['administrator'],
  };

  test.each(HELD_CLASSES.flatMap((name) => [BOB, OLGA, ADA].map((who) => [name, who] as const)))(
    'class %s for %o',
    async (name, who) => {
      const { store, items } = await held(1, { class: name });
      const [answered] = await ask(store, items, who, { why: 'asked for' });
      const may = TABLE[name].includes(who.role);
      expect(answered!.came.kind).toBe(may ? 'released' : 'refused');
      expect(await store.queue.list({})).toHaveLength(may ? 1 : 0);
      expect(await store.queue.quarantined({})).toHaveLength(may ? 0 : 1);
      expect(RELEASED_BY[name]).toBe(TABLE[name][0]);
    },
  );

  test('malware without a reason stays, whoever asks', async () => {
    const { store, items } = await held(1, { class: 'malware' });
    const [answered] = await ask(store, items, ADA);
    expect(answered!.came).toMatchObject({ kind: 'refused', remedy: expect.stringContaining('--why') });
    expect(await store.queue.quarantined({})).toHaveLength(1);
  });

  test('a recipient releases their own mail only, whatever the case of the letters', async () => {
    const { store, items } = await held(1, {}, ['Bob@Example.com', 'carol@example.com']);
    const came = (await ask(store, items, BOB)).map((one) => one.came.kind);
    expect(came).toEqual(['released', 'refused']);
    expect((await store.queue.quarantined({})).map(({ entry }) => entry.recipient)).toEqual(['carol@example.com']);
  });
});

describe('release', () => {
  test('to chosen ones of the recipients leaves the others held, and each is on record', async () => {
    const { store, items } = await held(1, {}, ['a@example.com', 'b@example.com', 'c@example.com']);
    const answers = await ask(store, items, OLGA, { to: ['B@example.com', 'c@example.com'], why: 'by phone' });
    expect(answers.map(({ item, came }) => [item.entry.recipient, came.kind])).toEqual([
      ['b@example.com', 'released'],
      ['c@example.com', 'released'],
    ]);
    expect((await store.queue.quarantined({})).map(({ entry }) => entry.recipient)).toEqual(['a@example.com']);
    expect(await events(store)).toEqual([
      ['released', 2, 'olga', 'by phone'],
      ['released', 3, 'olga', 'by phone'],
    ]);
  });

  test('what somebody else released meanwhile is gone, and released once', async () => {
    const { store, items } = await held(1);
    expect((await ask(store, items, OLGA))[0]!.came.kind).toBe('released');
    expect((await ask(store, items, ADA))[0]!.came.kind).toBe('gone');
    expect(await store.queue.list({})).toHaveLength(1);
    expect(await events(store)).toHaveLength(1);
  });
});

describe('the second look', () => {
  test('is at the very octets that would leave, once for all who get the same', async () => {
    const { store, items } = await held(1, {}, ['a@example.com', 'b@example.com']);
    const other = await hold(store, 2, {}, ['a@example.com'], {
      prefix: 'Received: x\r\n',
      edits: [
        { kind: 'removeField', index: 0 },
        { kind: 'addField', field: 'X-Spam: yes' },
      ],
    });
    const scanner = scannerSaying({ kind: 'clean' });
    const answers = await ask(store, [...items, ...other], OLGA, {}, scanner);
    expect(answers.map(({ came }) => came)).toEqual(
      [0, 1, 2].map(() => ({ kind: 'released', scan: { kind: 'clean' } })),
    );
    expect(scanner.given).toEqual([
      `Received: from mail.example.org\r\n${LETTER}`,
      'Received: x\r\nX-Spam: yes\r\n\r\nhello\r\n',
    ]);
    expect((await events(store))[0]).toEqual(['released', 1, 'olga', 'scanned again: clean']);
  });

  test('looks into parts, too, as the check did', async () => {
    const store = memoryStore();
    const attached =
      'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsee\r\n--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\naGlkZGVu\r\n--x--\r\n';
    const items = await hold(store, 1, {}, undefined, {}, attached);
    const scanner = scannerSaying({ kind: 'clean' });
    await ask(store, items, OLGA, {}, scanner);
    expect(scanner.given).toContain('hidden');
  });

  const down = new ServiceError('unreachable', 'nobody listens at /run/clamd\u001b[2J');
  test.each([
    ['a virus', { kind: 'infected', signature: 'Eicar\u001b[31m\r\nx' } as const, 'infected, Eicar\\x1b[31m'],
    ['no answer', down, 'could not be scanned again: nobody listens at /run/clamd\\x1b[2J'],
  ])('with %s nothing is released, and the record says why', async (_what, says, said) => {
    const { store, items } = await held(1);
    for (const who of [BOB, OLGA, ADA]) {
      const [answered] = await ask(store, items, who, { why: 'asked for' }, scannerSaying(says));
      expect(answered!.came).toMatchObject({ kind: 'refused', why: expect.stringContaining(said) });
    }
    expect(await store.queue.list({})).toEqual([]);
    const told = await events(store);
    expect(told.map(([kind]) => kind)).toEqual(['not_released', 'not_released', 'not_released']);
    for (const [, , , text] of told) {
      expect(text).toContain(said);
      expect(text).not.toMatch(/[\x00-\x1f]/);
    }
  });

  test.each([
    ['an administrator with a reason', ADA, 'for the lab', true],
    ['an administrator without one', ADA, '', false],
    ['an operator', OLGA, 'for the lab', false],
    ['a recipient', BOB, 'for the lab', false],
  ])('%s may go on despite it: %s', async (_who, who, why, may) => {
    const { store, items } = await held(1);
    const infected = scannerSaying({ kind: 'infected', signature: 'Eicar' });
    const [answered] = await ask(store, items, who, { why, despiteScan: true }, infected);
    expect(answered!.came.kind).toBe(may ? 'released' : 'refused');
    if (may)
      expect(await events(store)).toEqual([
        ['released', 1, 'ada', 'as administrator; for the lab; scanned again: infected, Eicar'],
      ]);
  });

  test.each(['too-large', 'encrypted'] as const)(
    '%s is for an operator to judge: a recipient is sent to one',
    async (kind) => {
      const { store, items } = await held(1);
      const [no] = await ask(store, items, BOB, {}, scannerSaying({ kind }));
      expect(no!.came).toMatchObject({ kind: 'refused', remedy: 'ask an operator' });
      const [yes] = await ask(store, items, OLGA, {}, scannerSaying({ kind }));
      expect(yes!.came).toEqual({ kind: 'released', scan: { kind } });
    },
  );
});

test('what leaves with another field on top is looked at by itself; the same octets once', async () => {
  const { store, items } = await held(1, {}, ['a@example.com', 'b@example.com', 'c@example.com']);
  const own = items.map((item, n) =>
    n === 2 ? { ...item, entry: { ...item.entry, prefix: `X-Other: yes\r\n${item.entry.prefix}` } } : item,
  );
  const scanner = scannerSaying({ kind: 'clean' });
  await ask(store, own, OLGA, {}, scanner);
  const looks = scanner.given.filter((text) => text.includes(LETTER));
  expect(new Set(looks).size).toBe(2);
  expect(looks.filter((text) => text.startsWith('X-Other'))).toHaveLength(1);
});

test('a look that is called off says so, and not that the scanner failed', async () => {
  const { store, items } = await held(1);
  const why = new Error('we stop');
  const scanner = scannerSaying(new ServiceError('silent', 'no answer'));
  await expect(rescan(scanner, items[0]!.entry, store.queue, AbortSignal.abort(why))).rejects.toBe(why);
});
