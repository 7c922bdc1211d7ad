import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MaildirDelivery, maildirOf } from '../../src/adapters/files/maildir.ts';
import type { Consignment } from '../../src/ports/delivery.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { anEntry, aTiming, T0 } from '../support/entries.ts';

const never = new AbortController().signal;
let path = '';
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'maildir-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

function parcel(entries: readonly Partial<QueueEntry>[], text = 'A: b\r\n\r\nBody.\r\n'): Consignment {
  return {
    route: { ...aTiming, kind: 'maildir', path },
    entries: entries.map((changes, n) => anEntry({ id: `3f9k2m7q0d5xa.${n + 1}`, ...changes })),
    size: text.length,
    async *open() {
      for (const letter of [text.slice(0, 3), text.slice(3)]) yield Buffer.from(letter);
    },
  };
}
const files = () =>
  (readdirSync(path, { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => statSync(join(path, name)).isFile())
    .sort();

describe('a maildir', () => {
  test('gets a file for each recipient, whole and for its owner alone', async () => {
    const results = await new MaildirDelivery('mx.test').deliver(
      parcel([{}, { recipient: 'carol@store.test' }]),
      never,
    );
    const name = (n: number) => `${T0 / 1000}.3f9k2m7q0d5xa.${n}.mx.test`;
    expect(files()).toEqual([`store.test/bob/new/${name(1)}`, `store.test/carol/new/${name(2)}`]);
    expect(readFileSync(join(path, files()[0]!), 'utf8')).toBe('A: b\r\n\r\nBody.\r\n');
    expect(statSync(join(path, files()[0]!)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, 'store.test/bob')).sort()).toEqual(['cur', 'new', 'tmp']);
    for (const part of ['', 'bob', 'bob/new', 'bob/tmp'])
      expect(statSync(join(path, 'store.test', part)).mode & 0o777).toBe(0o700);
    expect(results).toMatchObject([
      { kind: 'delivered', host: join(path, 'store.test/bob'), to: 'mailbox' },
      { kind: 'delivered' },
    ]);
  });

  test('gets no second file when an attempt is repeated after a crash', async () => {
    for (let n = 0; n < 2; n++) await new MaildirDelivery('mx.test').deliver(parcel([{}]), never);
    expect(files()).toHaveLength(1);
  });

  test('is not kept from delivery by the draft of an attempt that a crash ended', async () => {
    const name = `${T0 / 1000}.3f9k2m7q0d5xa.1.mx.test`;
    mkdirSync(join(path, 'store.test/bob/tmp'), { recursive: true });
    for (const draft of [name, `${name}.${process.pid}.1`])
      writeFileSync(join(path, 'store.test/bob/tmp', draft), 'A: a longer draft than what is delivered at last\r\n');
    expect(await new MaildirDelivery('mx.test').deliver(parcel([{}]), never)).toMatchObject([{ kind: 'delivered' }]);
    expect(readFileSync(join(path, 'store.test/bob/new', name), 'utf8')).toBe('A: b\r\n\r\nBody.\r\n');
  });

  test('that cannot be made is tried again later, and leaves nothing behind', async () => {
    mkdirSync(join(path, 'store.test'));
    writeFileSync(join(path, 'store.test/bob'), '');
    const results = await new MaildirDelivery('mx.test').deliver(
      parcel([{}, { recipient: 'carol@store.test' }]),
      never,
    );
    expect(results).toMatchObject([
      { kind: 'transient', cause: expect.stringContaining('bob') },
      { kind: 'delivered' },
    ]);
    expect(files().filter((name) => name.includes('/tmp/'))).toEqual([]);
  });

  test('content that breaks off leaves no file', async () => {
    const broken: Consignment = {
      ...parcel([{}]),
      async *open() {
        yield Buffer.from('A: b\r\n');
        throw new Error('the store is damaged');
      },
    };
    expect(await new MaildirDelivery('mx.test').deliver(broken, never)).toMatchObject([
      { kind: 'transient', cause: 'the store is damaged' },
    ]);
    expect(files()).toEqual([]);
  });

  test.each([
    ['bob@store.test', 'store.test/bob'],
    ['Bob@store.test', 'store.test/bob'],
    ['bob+list@store.test', 'store.test/bob+list'],
    ['"../../etc/passwd"@store.test', 'store.test/%22..%2f..%2fetc%2fpasswd%22'],
    ['..@store.test', 'store.test/%2e.'],
    ['a/b@store.test', 'store.test/a%2fb'],
    ['a%2fb@store.test', 'store.test/a%252fb'],
    ['grüße@store.test', 'store.test/gr%c3%bc%c3%9fe'],
    ['x@[IPv6:::1]', '%5bIPv6%3a%3a%3a1%5d/x'],
  ])('of %s lies in %s', (recipient, expected) => {
    const domain = recipient.slice(recipient.lastIndexOf('@') + 1);
    expect(relative(path, maildirOf(path, anEntry({ recipient, domain })))).toBe(expected);
  });
});
