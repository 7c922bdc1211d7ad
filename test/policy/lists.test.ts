import { describe, expect, test } from 'vitest';
import { listLines, readList } from '../../src/policy/lists.ts';
import type { List } from '../../src/policy/policy.ts';

const read = (kind: List['kind'], text: string) => readList('l', kind, listLines('lists/l.txt', text));
const NOW = Date.parse('2027-01-31T12:00:00Z');

describe('a list', () => {
  test.each<[List['kind'], string, string, boolean]>([
    ['network', '192.0.2.0/24', '192.0.2.77', true],
    ['network', '192.0.2.0/24', '::ffff:192.0.2.77', true],
    ['network', '192.0.2.0/24', '192.0.3.1', false],
    ['network', '2001:db8::/32', '2001:db8:1::1', true],
    ['network', '192.0.2.1', '192.0.2.1', true],
    ['network', '192.0.2.1', 'not an address', false],
    ['domain', 'example.com', 'EXAMPLE.com', true],
    ['domain', 'example.com', 'mail.example.com', false],
    ['domain', '.example.com', 'mail.example.com', true],
    ['domain', '.example.com', 'example.com', true],
    ['domain', '.example.com', 'badexample.com', false],
    ['domain', 'bücher.example', 'xn--bcher-kva.example', true],
    ['domain', 'example.com', '', false],
    ['address', 'alice@example.com', 'Alice+tag@EXAMPLE.com', true],
    ['address', 'alice+tag@example.com', 'alice@example.com', false],
    ['address', 'alice@example.com', 'bob@example.com', false],
    ['pattern', '^mail\\d+\\.example$', 'mail12.example', true],
    ['pattern', '(?i)you win  ref=X-1', 'now YOU WIN', true],
    ['word', 'Strict', 'strict', true],
  ])('of kind %s that holds %s: is %s in it? %s', (kind, entry, value, held) => {
    const { list, problems } = read(kind, `# a comment\n\n${entry} # why\n`);
    expect(problems).toEqual([]);
    expect(list.has(value, NOW)).toBe(held);
  });

  test('an entry is in it until its day is over', () => {
    const { list } = read('domain', 'a.example until=2027-01-31 owner=alice ref=INC-4711\nb.example until=2027-01-30');
    expect([list.has('a.example', NOW), list.has('b.example', NOW)]).toEqual([true, false]);
    expect([list.size, list.expired(NOW)]).toEqual([2, 1]);
  });

  test.each<[List['kind'], string, RegExp]>([
    ['network', 'a.example', /neither an address nor a range/],
    ['network', '010.0.0.1', /neither an address nor a range/],
    ['domain', 'a..example', /not a domain/],
    ['address', 'a.example', /not a mail address/],
    ['pattern', '(a', /does not compile/],
    ['word', 'a until=tomorrow', /not a date/],
    ['word', 'a untl=2027-01-31', /no field of an entry/],
  ])('of kind %s refuses %s', (kind, entry, says) => {
    const { problems } = read(
      kind,
      `ok.example\n  ${entry}`.replace('ok.example', kind === 'domain' ? 'ok.example' : '#'),
    );
    expect(problems[0]?.message).toMatch(says);
    expect(problems[0]?.place).toEqual({ file: 'lists/l.txt', line: 2, column: 3 });
  });
});
