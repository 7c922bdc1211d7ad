/** To whom addresses lead: aliases in files and lines, nested, in rings and without end; domain maps; catch-all; tags. */
import { describe, expect, test } from 'vitest';
import type { HostedDomain } from '../../../src/config/installation.ts';
import { RecipientLists } from '../../../src/gateway/recipient-list.ts';
import { recipientDirectory } from '../../../src/gateway/recipients.ts';
import { ALIAS_TARGETS_MAX, parseAliases } from '../../../src/gateway/rewrite/aliases.ts';
import { OURSELVES, routeTo } from '../../../src/gateway/routing.ts';
import { parseMailbox } from '../../../src/mail/address.ts';
import type { Reading } from '../../../src/ports/watched-files.ts';
import { SILENT_DESK } from '../../support/silent-desk.ts';

const clock = { now: () => 0 };
const domain = (name: string, more: Partial<HostedDomain> = {}): HostedDomain => ({
  ...{ domain: name, route: `to-${name}`, settings: {}, place: { file: 'postern.yaml', line: 1, column: 1 } },
  recipients: [{ kind: 'inline', addresses: ['alice', 'bob', 'box'] }],
  ...more,
});

/** What an address comes to, `text` standing in every file. */
function bench(domains: readonly HostedDomain[], text?: string, defaultRoute = 'internet') {
  const said: string[] = [];
  let tellAll: (reading: Reading) => void = () => {};
  const note = (name: string) => void said.push(name);
  const reading = (now: string | undefined): Reading =>
    now === undefined ? { kind: 'failed', why: 'gone' } : { kind: 'read', text: now, modifiedAt: 0 };
  const watch = (_path: string, tell: (reading: Reading) => void) => {
    tellAll = tell;
    tell(reading(text));
    return () => {};
  };
  const lists = new RecipientLists({ watch }, { event: note, warn: note, error: note });
  const hosted = new Map(domains.map((one) => [one.domain, one]));
  const installation = { domains: hosted, defaultRoute, routing: [] };
  const world = { hostname: 'mx.test', store: { path: '/store', minFreeBytes: 0 }, domains: hosted };
  const sources = recipientDirectory(world, lists, clock, SILENT_DESK);
  const directory = lists.aliases.directory(sources, installation, undefined, clock);
  const ask = async (address: string) => {
    const parsed = parseMailbox(address, true);
    if (parsed.kind === 'bad') throw new Error(parsed.why);
    const { result, source, targets } = await directory.resolve(parsed.value, 'ask');
    return [
      `${result} by ${source}`,
      ...(targets ?? []).map((to) => `${to.address} ${routeTo(to, OURSELVES, installation)}`),
    ];
  };
  return { ask, said, write: (now: string | undefined) => tellAll(reading(now)) };
}

const FILE = { kind: 'file', path: '/aliases' } as const;
const A = 'a.test';

describe('an alias', () => {
  const text = `
# who sells
sales: alice, bob,  # both
  carol@elsewhere.test
Team : sales, box@a.test
alice: alice, dave@elsewhere.test
ring: ring2
ring2: ring
gone: nobody
half: alice2, bob
`;
  const { ask, said } = bench([domain(A, { aliases: FILE })], text);

  test('stands for all its members, each by its own route', async () => {
    expect(await ask('Sales@a.test')).toEqual([
      'known by alias',
      'alice@a.test to-a.test',
      'dave@elsewhere.test internet',
      'bob@a.test to-a.test',
      'carol@elsewhere.test internet',
    ]);
  });
  test('of aliases stands for theirs, each once', async () => {
    expect(await ask('team@a.test')).toHaveLength(6);
  });
  test('that names itself means the mailbox of that name', async () => {
    expect(await ask('alice@a.test')).toEqual([
      'known by alias',
      'alice@a.test to-a.test',
      'dave@elsewhere.test internet',
    ]);
  });
  test('in a ring is nobody', async () => {
    expect(await ask('ring@a.test')).toEqual(['unknown by alias']);
  });
  test('of nobody is nobody, and its log says so', async () => {
    expect(await ask('gone@a.test')).toEqual(['unknown by alias']);
    expect(said).toContain('alias.member_unknown');
  });
  test('goes to those of its members who are there', async () => {
    expect(await ask('half@a.test')).toEqual(['known by alias', 'bob@a.test to-a.test']);
  });
  test('is found less the tag', async () => {
    expect((await ask('sales+x@a.test'))[0]).toBe('known by alias');
  });
  test('leads nowhere that no route leads', async () => {
    const closed = bench([domain(A, { aliases: FILE })], 'x: a@elsewhere.test', '');
    expect(await closed.ask('x@a.test')).toEqual(['unknown by alias']);
  });
});

test('without an alias everybody is who they are', async () => {
  const { ask } = bench([domain(A)]);
  expect(await ask('bob+x@a.test')).toEqual(['known by inline', 'bob+x@a.test to-a.test']);
  expect(await ask('carol@a.test')).toEqual(['unknown by ']);
});

test('a store that knows no tags is given none', async () => {
  const { ask } = bench([domain(A, { stripTag: true })]);
  expect(await ask('bob+x@a.test')).toEqual(['known by inline', 'bob@a.test to-a.test']);
});

test('addresses of a domain that is another are those of the other', async () => {
  const { ask } = bench(
    [domain(A, { aliases: FILE }), domain('b.test', { aliasOf: A, recipients: [], route: 'to-a.test' })],
    'sales: alice',
  );
  expect(await ask('bob@b.test')).toEqual(['known by inline', 'bob@a.test to-a.test']);
  expect(await ask('sales@b.test')).toEqual(['known by alias', 'alice@a.test to-a.test']);
  expect(await ask('carol@b.test')).toEqual(['unknown by ']);
});

describe('a catch-all', () => {
  test('gets what is for nobody, and nothing else', async () => {
    const { ask } = bench([domain(A, { catchAll: 'box@a.test' })]);
    expect(await ask('who@a.test')).toEqual(['known by catch_all', 'box@a.test to-a.test']);
    expect(await ask('bob@a.test')).toEqual(['known by inline', 'bob@a.test to-a.test']);
  });
  test('that is nobody ends there', async () => {
    const { ask } = bench([domain(A, { catchAll: 'gone@a.test' })]);
    expect((await ask('who@a.test'))[0]).toBe('unknown by catch_all');
  });
});

describe('a file', () => {
  test('that was never read makes nobody unknown', async () => {
    const { ask, said, write } = bench([domain(A, { aliases: FILE })]);
    expect(await ask('sales@a.test')).toEqual(['unsure by alias']);
    expect(await ask('bob@a.test')).toEqual(['known by inline', 'bob@a.test to-a.test']);
    expect(said).toEqual(['aliases.stale']);
    write('sales: bob');
    expect(await ask('sales@a.test')).toEqual(['known by alias', 'bob@a.test to-a.test']);
  });
  test('that is gone leaves the last aliases in force', async () => {
    const { ask, write } = bench([domain(A, { aliases: FILE })], 'sales: bob');
    write(undefined);
    expect(await ask('sales@a.test')).toEqual(['known by alias', 'bob@a.test to-a.test']);
    expect(await ask('other@a.test')).toEqual(['unknown by ']);
  });
});

test('more members than anybody has are cut, and the log says so', async () => {
  const members = (from: number) => Array.from({ length: 300 }, (_, n) => `u${from + n}@elsewhere.test`).join(', ');
  const { ask, said } = bench(
    [domain(A, { aliases: FILE })],
    `all: one, two\none: ${members(0)}\ntwo: ${members(300)}`,
  );
  expect((await ask('all@a.test')).length - 1).toBeLessThanOrEqual(ALIAS_TARGETS_MAX);
  expect(said).toContain('alias.too_many');
});

test.each([
  ['root: |/bin/sh', 'mail goes to addresses only'],
  ['root: /var/mail/root', 'mail goes to addresses only'],
  ['root: :include:/etc/list', 'mail goes to addresses only'],
  ['root: "|x"', 'mail goes to addresses only'],
  ['root', 'expected `alias: address, address`'],
  ['root:', 'stands for nobody'],
  ['x@b.test: alice', 'is not in a.test'],
  ['x: a b', 'is not an address'],
  ['x: alice\nX: bob', 'stands there already'],
])('the line %j is told: %s', (line, why) => {
  expect(parseAliases(line, A).bad.map((one) => one.why)).toEqual([expect.stringContaining(why)]);
});
