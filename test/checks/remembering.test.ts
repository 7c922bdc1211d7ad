/** rate and greylist: what is remembered of those who came before. */
import { describe, expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { greylist } from '../../src/checks/greylist.ts';
import { passedState } from '../../src/checks/passed-state.ts';
import { rate } from '../../src/checks/rate.ts';
import { days, hours, minutes, seconds } from '../../src/mail/time.ts';
import type { FactValue } from '../../src/policy/facts.ts';
import type { StateStore } from '../../src/ports/state.ts';
import { runOn } from '../support/check-bench.ts';

const START = Date.UTC(2026, 10, 22, 10);

describe('rate', () => {
  const hit = async (state: StateStore, key: string, now: number, as = 'rate_client') =>
    (await runOn(rate, { state, now, as, written: { key, limit: 2, window: '10m' } })).facts;

  test('the third of two is one too many, and none is when the window has gone by', async () => {
    const state = new MemoryState();
    expect(await hit(state, 'a', START)).toEqual({ count: 1, exceeded: false });
    expect(await hit(state, 'a', START + minutes(1))).toEqual({ count: 2, exceeded: false });
    expect(await hit(state, 'a', START + minutes(2))).toEqual({ count: 3, exceeded: true });
    expect(await hit(state, 'a', START + minutes(30))).toEqual({ count: 1, exceeded: false });
  });

  test('keys and instances count for themselves', async () => {
    const state = new MemoryState();
    await hit(state, 'a', START);
    expect(await hit(state, 'b', START)).toMatchObject({ count: 1 });
    expect(await hit(state, 'a', START, 'rate_other')).toMatchObject({ count: 1 });
    expect(await hit(state, 'a', START)).toMatchObject({ count: 2 });
  });

  test('an empty key counts nothing', async () => {
    const bench = { written: { key: 'client.user', limit: 0, window: '10m' } };
    expect((await runOn(rate, bench)).facts).toEqual({ count: 1, exceeded: true });
    expect((await runOn(rate, { ...bench, options: { key: '' } })).facts).toEqual({ count: 0, exceeded: false });
  });

  test('long keys differ as short ones do', async () => {
    const state = new MemoryState();
    await hit(state, `${'k'.repeat(300)}1`, START);
    expect(await hit(state, `${'k'.repeat(300)}2`, START)).toMatchObject({ count: 1 });
    expect(await hit(state, `${'k'.repeat(300)}1`, START)).toMatchObject({ count: 2 });
  });

  test.each([
    ['connect', 'session'],
    ['helo', 'session'],
    ['mail', 'transaction'],
    ['rcpt', 'recipient'],
    ['data', 'transaction'],
  ] as const)('in %s it counts by %s', (stage, scope) => {
    expect(typeof rate.scope === 'function' && rate.scope({ key: 'client.network' }, stage)).toBe(scope);
  });
});

describe('greylist', () => {
  const STRANGER = { client: { ip: '192.0.2.1', network: '192.0.2.0/24', name: '', user: '', trusted: false } };
  type World = { readonly [root: string]: FactValue };
  const meet = async (state: StateStore, now: number, facts: World = STRANGER) =>
    (await runOn(greylist, { state, now, facts, written: {} })).facts;

  test('a stranger waits, is known when it comes back in time, and stays known', async () => {
    const state = new MemoryState();
    expect(await meet(state, START)).toEqual({ result: 'wait', wait: 300, key: 'net:192.0.2.0/24' });
    expect(await meet(state, START + minutes(5))).toMatchObject({ result: 'passed', wait: 0 });
    expect(await meet(state, START + minutes(6))).toMatchObject({ result: 'known' });
    expect(await meet(state, START + days(35))).toMatchObject({ result: 'known' });
    expect(await meet(state, START + days(69))).toMatchObject({ result: 'known' });
    expect(await meet(state, START + days(105))).toMatchObject({ result: 'wait' });
  });

  test('who comes back too early waits for the rest, not anew', async () => {
    const state = new MemoryState();
    await meet(state, START);
    expect(await meet(state, START + minutes(4) + 500)).toMatchObject({ result: 'wait', wait: 60 });
    expect(await meet(state, START + minutes(5) - 1)).toMatchObject({ result: 'wait', wait: 1 });
    expect(await meet(state, START + minutes(5))).toMatchObject({ result: 'passed' });
  });

  test('who comes back too late is a stranger again', async () => {
    const state = new MemoryState();
    await meet(state, START);
    expect(await meet(state, START + hours(24))).toMatchObject({ result: 'wait', wait: 300 });
  });

  test.each<[string, World, string]>([
    [
      'the domain that SPF authenticated',
      { spf: { result: 'pass', domain: 'news.example.com' } },
      'spf:news.example.com',
    ],
    ['no domain that SPF only names', { spf: { result: 'softfail', domain: 'example.com' } }, 'net:192.0.2.0/24'],
    [
      'the organization of the confirmed name',
      { client: { ...STRANGER.client, name: 'mail-ej1-f44.google.co.uk' } },
      'name:google.co.uk',
    ],
    [
      'the customer, not the provider',
      { client: { ...STRANGER.client, name: 'x.customer.github.io' } },
      'name:customer.github.io',
    ],
    ['the network behind a bare suffix', { client: { ...STRANGER.client, name: 'co.uk' } }, 'net:192.0.2.0/24'],
    [
      'SPF before the name',
      { client: { ...STRANGER.client, name: 'a.example.net' }, spf: { result: 'pass', domain: 'example.com' } },
      'spf:example.com',
    ],
  ])('a sender is %s', async (_, facts, key) => {
    expect(await meet(new MemoryState(), START, { ...STRANGER, ...facts })).toMatchObject({ key });
  });

  test.each<[string, World]>([
    ['authenticated', { client: { ...STRANGER.client, user: 'alice' } }],
    ['trusted', { client: { ...STRANGER.client, trusted: true } }],
  ])('who is %s never waits', async (_, facts) => {
    expect(await meet(new MemoryState(), START, facts)).toMatchObject({ result: 'exempt', wait: 0 });
  });

  test('its times can be set', async () => {
    const state = new MemoryState();
    const written = { delay: '30s', window: '2m', lifetime: '1h' };
    const at = async (span: number) =>
      (await runOn(greylist, { state, now: START + span, facts: STRANGER, written })).facts.result;
    expect([await at(0), await at(seconds(29)), await at(seconds(30)), await at(minutes(61) + seconds(31))]).toEqual([
      'wait',
      'wait',
      'passed',
      'wait',
    ]);
  });

  test('where a rehearsal starts, everybody is known and nothing was counted', async () => {
    const state = passedState(new MemoryState('scratch'));
    expect(await meet(state, START)).toMatchObject({ result: 'known' });
    expect(await meet(state.fork('scratch'), START)).toMatchObject({ result: 'known' });
    expect(await state.hit('rate', 'x', START, minutes(1), 1)).toBe(1);
    expect(await state.get('other', 'x', START)).toBeUndefined();
  });
});
