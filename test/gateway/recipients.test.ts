import { describe, expect, test } from 'vitest';
import type { HostedDomain, RecipientSource } from '../../src/config/installation.ts';
import { parseEntries, RecipientLists } from '../../src/gateway/recipient-list.ts';
import { recipientDirectory, withoutTag } from '../../src/gateway/recipients.ts';
import { parseMailbox } from '../../src/mail/address.ts';
import { hours } from '../../src/mail/time.ts';
import type { Reading } from '../../src/ports/watched-files.ts';
import { SILENT_DESK } from '../support/silent-desk.ts';

const NOW = Date.UTC(2026, 10, 22, 10);
const FILE: RecipientSource = { kind: 'file', path: '/r.txt', maxShrink: 0.1, maxAge: undefined, onStale: 'defer' };

/** A file that a test writes, and everything that was said about it. */
function bench(first: string | undefined) {
  const tellers = new Set<(reading: Reading) => void>();
  const said: string[] = [];
  let now: Reading = reading(first);
  const note = (level: string) => (name: string, data?: object) => {
    said.push(`${level} ${name} ${JSON.stringify(data)}`);
  };
  const lists = new RecipientLists(
    {
      watch(_path, tell) {
        tellers.add(tell);
        tell(now);
        return () => tellers.delete(tell);
      },
    },
    { event: note('event'), warn: note('warn'), error: note('error') },
  );
  let clock = NOW;
  const ask = async (sources: readonly RecipientSource[], address: string) => {
    const domain: HostedDomain = {
      domain: 'example.com',
      route: 'store',
      recipients: sources,
      settings: {},
      place: { file: 'postern.yaml', line: 1, column: 1 },
    };
    const directory = recipientDirectory(
      {
        hostname: 'mx.example.net',
        store: { path: '/store', minFreeBytes: 0 },
        domains: new Map([['example.com', domain]]),
      },
      lists,
      { now: () => clock },
      SILENT_DESK,
    );
    directory.takeOver();
    const mailbox = parseMailbox(address, true);
    if (mailbox.kind === 'bad') throw new Error(mailbox.why);
    const { result, source } = await directory.resolve(mailbox.value, 'ask');
    return source === '' ? result : `${result} by ${source}`;
  };
  return {
    ask,
    said,
    write: (text: string | undefined) => {
      now = reading(text);
      for (const tell of tellers) tell(now);
    },
    pass: (span: number) => {
      clock += span;
    },
    watching: () => tellers.size,
  };
}
const reading = (text: string | undefined): Reading =>
  text === undefined ? { kind: 'failed', why: 'no such file' } : { kind: 'read', text, modifiedAt: NOW };
const people = (count: number): string => Array.from({ length: count }, (_, n) => `user${n}@example.com\n`).join('');

describe('a recipient', () => {
  test.each<[string, RecipientSource, string, string]>([
    ['of a domain that knows any', { kind: 'any' }, 'who@example.com', 'known by any'],
    ['named inline', { kind: 'inline', addresses: ['Alice'] }, 'aLICE@example.com', 'known by inline'],
    [
      'named inline with its domain',
      { kind: 'inline', addresses: ['alice@example.com'] },
      'alice@example.com',
      'known by inline',
    ],
    ['not named inline', { kind: 'inline', addresses: ['alice'] }, 'bob@example.com', 'unknown'],
    ['with a subaddress', { kind: 'inline', addresses: ['alice'] }, 'alice+list@example.com', 'known by inline'],
    ['whose name holds a plus', { kind: 'inline', addresses: ['c+team'] }, 'c+team@example.com', 'known by inline'],
    ['that is all subaddress', { kind: 'inline', addresses: ['alice'] }, '+alice@example.com', 'unknown'],
    [
      'that matches a pattern whole',
      { kind: 'pattern', pattern: 'team-[0-9]+' },
      'Team-7@example.com',
      'known by pattern',
    ],
    ['that matches a pattern in part', { kind: 'pattern', pattern: 'team-[0-9]+' }, 'xteam-7@example.com', 'unknown'],
    [
      'with a quoted local part',
      { kind: 'inline', addresses: ['"a b"@example.com'] },
      '"a b"@example.com',
      'known by inline',
    ],
    ['postmaster', { kind: 'inline', addresses: ['alice'] }, 'Postmaster@example.com', 'known by builtin'],
    ['abuse with a tag', { kind: 'inline', addresses: ['alice'] }, 'abuse+1@example.com', 'known by builtin'],
    ['in look-alike letters', { kind: 'inline', addresses: ['kim'] }, '\u212aim@example.com', 'unknown'],
    ['in look-alikes of a pattern', { kind: 'pattern', pattern: 'kim|sam' }, '\u212aim@example.com', 'unknown'],
    ['in old letters of a pattern', { kind: 'pattern', pattern: 'kim|sam' }, '\u017fam@example.com', 'unknown'],
    ['named beyond ASCII', { kind: 'inline', addresses: ['Bücher'] }, 'bÜcher@example.com', 'unknown'],
    ['named beyond ASCII as it is', { kind: 'inline', addresses: ['Bücher'] }, 'bücher@example.com', 'known by inline'],
    ['of a domain that is not ours', { kind: 'any' }, 'who@example.org', 'unknown'],
  ])('%s', async (_name, source, address, answer) => {
    expect(await bench('').ask([source], address)).toBe(answer);
  });

  test('is asked for in the order of the sources', async () => {
    const { ask } = bench('bob\n');
    const sources: RecipientSource[] = [
      { kind: 'inline', addresses: ['alice'] },
      FILE,
      { kind: 'pattern', pattern: 'b.*' },
    ];
    expect(await ask(sources, 'alice@example.com')).toBe('known by inline');
    expect(await ask(sources, 'bob@example.com')).toBe('known by file');
    expect(await ask(sources, 'ben@example.com')).toBe('known by pattern');
    expect(await ask(sources, 'eve@example.com')).toBe('unknown');
  });

  test('known to a later source is not held up by an earlier one that is silent', async () => {
    const { ask } = bench(undefined);
    const sources: RecipientSource[] = [FILE, { kind: 'inline', addresses: ['alice'] }];
    expect(await ask(sources, 'alice@example.com')).toBe('known by inline');
    expect(await ask(sources, 'bob@example.com')).toBe('unsure by file');
  });

  test('pattern costs no more for a hostile name', async () => {
    const local = `${'a'.repeat(63)}!`;
    expect(await bench('').ask([{ kind: 'pattern', pattern: '(a+)+' }], `${local}@example.com`)).toBe('unknown');
  });
});

describe('a file of recipients', () => {
  test('holds addresses, names, whole domains and comments', () => {
    const { addresses, bad } = parseEntries(
      '\ufeff# people\nAlice@Example.COM\nbob   # in every domain\r\n@bücher.example\n*@lists.example\nc#d@example.com\na b@example.com\n*\nx@\n\n',
    );
    expect([...addresses]).toEqual([
      'alice@example.com',
      'bob',
      '@xn--bcher-kva.example',
      '@lists.example',
      'c#d@example.com',
    ]);
    expect(bad).toEqual([7, 8, 9]);
  });

  test('keeps look-alike letters apart', async () => {
    expect(parseEntries('\u212aim\n').addresses).toEqual(new Set(['\u212aim']));
    expect(await bench('kim\n').ask([FILE], '\u212aim@example.com')).toBe('unknown');
  });

  test('may grow, and shrink a little', async () => {
    const { ask, write, said } = bench(people(100));
    expect(await ask([FILE], 'user99@example.com')).toBe('known by file');
    write(people(90));
    expect(await ask([FILE], 'user99@example.com')).toBe('unknown');
    write(people(200));
    expect(await ask([FILE], 'user199@example.com')).toBe('known by file');
    expect(said).toEqual([]);
  });

  test.each([
    ['shrinks too much', people(80), 'it shrank from 100 to 80 addresses, more than max_shrink allows'],
    ['is empty', '# nothing\n', 'it holds no address'],
    ['is gone', undefined, 'it cannot be read: no such file'],
  ])('that %s leaves the last good one in force, and nobody is refused', async (_name, text, why) => {
    const { ask, write, said } = bench(people(100));
    await ask([FILE], 'user1@example.com');
    write(text);
    write(text);
    expect(await ask([FILE], 'user99@example.com')).toBe('known by file');
    expect(await ask([FILE], 'eve@example.com')).toBe('unsure by file');
    expect(said).toEqual([expect.stringContaining(`error recipients.stale {"path":"/r.txt","why":"${why}`)]);
    write(people(95));
    expect(await ask([FILE], 'user99@example.com')).toBe('unknown');
    expect(said.at(-1)).toBe('event recipients.restored {"path":"/r.txt","addresses":95}');
  });

  test('that shrank on purpose is taken when max_shrink was changed', async () => {
    const { ask, write, watching } = bench(people(100));
    await ask([FILE], 'user1@example.com');
    write(people(10));
    expect(await ask([FILE], 'user99@example.com')).toBe('known by file');
    expect(await ask([{ ...FILE, maxShrink: 1 }], 'user99@example.com')).toBe('unknown');
    expect(watching()).toBe(1);
  });

  test('that was never there knows nobody for sure', async () => {
    const { ask } = bench(undefined);
    expect(await ask([FILE], 'alice@example.com')).toBe('unsure by file');
    expect(await ask([FILE], 'postmaster@example.com')).toBe('known by builtin');
  });

  test('that nobody has written for too long is asked as on_stale says', async () => {
    const { ask, pass } = bench('alice\n');
    const aging: RecipientSource = { ...FILE, maxAge: hours(36) };
    expect(await ask([aging], 'bob@example.com')).toBe('unknown');
    pass(hours(37));
    expect(await ask([aging], 'alice@example.com')).toBe('known by file');
    expect(await ask([aging], 'bob@example.com')).toBe('unsure by file');
    expect(await ask([{ ...aging, onStale: 'accept' }], 'bob@example.com')).toBe('known by file');
  });

  test('tells how many of its lines are no addresses', async () => {
    const { ask, said } = bench('alice\nb b\n');
    expect(await ask([FILE], 'alice@example.com')).toBe('known by file');
    expect(said).toEqual(['warn recipients.lines {"path":"/r.txt","lines":1,"first":2}']);
  });
});

test.each([
  ['bob', ['bob']],
  ['bob+list', ['bob+list', 'bob']],
  ['bob+a+b', ['bob+a+b', 'bob']],
  ['+list', ['+list']],
])('%s is asked for as %j (RFC 5233)', (local, forms) => {
  expect(withoutTag(local)).toEqual(forms);
});
