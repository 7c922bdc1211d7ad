/** Zones with keys: what a file may say beside what is shown, and which questions get the key. */
import { expect, test } from 'vitest';
import { keyedResolver, readKeyedZone } from '../../../src/gateway/dns/keyed-zones.ts';
import type { Resolver } from '../../../src/ports/resolver.ts';

const NEVER = new AbortController().signal;
const SHOWN = 'key.zen.test';

function asking(zone: string | undefined, asks: 'addresses' | 'names' = 'addresses') {
  const asked: string[] = [];
  const under: Resolver = {
    resolve: async (name, type) => {
      asked.push(name);
      return {
        name,
        type,
        cached: false,
        ttl: 0,
        secure: false,
        server: '',
        kind: 'empty',
        rcode: 'NXDOMAIN',
        why: 'noSuchName',
      };
    },
  };
  return { asked, resolver: keyedResolver(under, () => new Map([[SHOWN, { zone, asks }]])) };
}

test.each<[string, string]>([
  [`9.2.0.192.${SHOWN}`, '9.2.0.192.secret.zen.test'],
  [`${'1.'.repeat(32)}${SHOWN}`, `${'1.'.repeat(32)}secret.zen.test`],
  [`x.${SHOWN}`, `x.${SHOWN}`],
  [SHOWN, SHOWN],
  ['9.2.0.192.other.test', '9.2.0.192.other.test'],
])('%s is asked as %s, and answered as it was asked', async (name, asked) => {
  const at = asking('secret.zen.test');
  expect(await at.resolver.resolve(name, 'A', NEVER)).toMatchObject({ name });
  expect(at.asked).toEqual([asked]);
});

test.each<[string, 'A' | 'MX', string]>([
  [`xn--80ak6aa92e.example.${SHOWN}`, 'A', 'xn--80ak6aa92e.example.secret.zen.test'],
  [`9.2.0.192.${SHOWN}`, 'A', '9.2.0.192.secret.zen.test'],
  [`test.${SHOWN}`, 'A', 'test.secret.zen.test'],
  [`example.org.${SHOWN}`, 'MX', `example.org.${SHOWN}`],
  [`exa mple.${SHOWN}`, 'A', `exa mple.${SHOWN}`],
])('of a list of names %s %s is asked as %s', async (name, type, asked) => {
  const at = asking('secret.zen.test', 'names');
  expect(await at.resolver.resolve(name, type, NEVER)).toMatchObject({ name });
  expect(at.asked).toEqual([asked]);
});

test('without its key a list is not asked, and has not answered', async () => {
  const at = asking(undefined);
  expect(await at.resolver.resolve(`9.2.0.192.${SHOWN}`, 'A', NEVER)).toMatchObject({ kind: 'failed', server: '' });
  expect(at.asked).toEqual([]);
});

test.each([
  ['SECRET.Zen.test.\n', SHOWN, { kind: 'zone', zone: 'secret.zen.test' }],
  ['\n secret.zen.test \n\n', 'spamhaus', { kind: 'zone', zone: 'secret.zen.test' }],
  ['', SHOWN, { kind: 'wrong' }],
  ['a.test\nb.test', SHOWN, { kind: 'wrong' }],
  ['not a zone', SHOWN, { kind: 'wrong' }],
  ['secret..test', SHOWN, { kind: 'wrong' }],
  [`${'a'.repeat(60)}.`.repeat(4), SHOWN, { kind: 'wrong' }],
  [SHOWN, SHOWN, { kind: 'wrong' }],
  ['secret.zen.test', 'secret.shown', { kind: 'wrong' }],
  ['secret.zen.test', 'my-secret.zen.test', { kind: 'wrong' }],
  ['secret.zen.test', 'a.secret.zen.test', { kind: 'wrong' }],
])('%j shown as %s', (text, shown, expected) => {
  const read = readKeyedZone(text, shown);
  expect(read).toMatchObject(expected);
  if (read.kind === 'wrong') expect(`${read.why}${read.remedy}`).not.toContain('secret');
});
