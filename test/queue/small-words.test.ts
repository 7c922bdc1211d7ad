/** The small values of the queue's floor at their edges: rooms, suspensions, hosts, lifetimes, and an entry as others read it. */
import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../src/mail/time.ts';
import { entryView } from '../../src/queue/entry-view.ts';
import { sayHost } from '../../src/queue/host.ts';
import { wasAnswered } from '../../src/queue/pace.ts';
import { ALL_LANES, Rooms } from '../../src/queue/rooms.ts';
import { lifetime, nextTry } from '../../src/queue/schedule.ts';
import { inForce, type Suspension, suspendedBy } from '../../src/queue/suspension.ts';
import { takesOf } from '../../src/queue/takes.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { anEntry, aTiming, from, T0 } from '../support/entries.ts';

describe('rooms', () => {
  test('what was taken is counted by entries', () => {
    const rooms = new Rooms({ ...ALL_LANES, each: 10, rooms: [{ route: 'store', domain: '', room: 7 }] });
    rooms.took('store', 'a.test', 3);
    rooms.took('other', 'a.test', 4);
    expect([rooms.left('store', 'b.test'), rooms.left('other', 'b.test')]).toEqual([4, 6]);
  });
  test('a domain by MX has a room of its own, however it is written', () => {
    const rooms = new Rooms({ ...ALL_LANES, byDomain: ['net'], each: 10 });
    rooms.took('net', 'A.test', 4);
    expect([rooms.left('net', 'a.TEST'), rooms.left('net', 'b.test')]).toEqual([6, 10]);
  });
  test('what is suspended has none, however it is written', () => {
    const suspended = { routes: ['store'], domains: ['A.test'], senders: ['Bob@B.test'] };
    const rooms = new Rooms({ ...ALL_LANES, suspended });
    expect([rooms.left('store', 'b.test'), rooms.left('other', 'a.TEST')]).toEqual([0, 0]);
    expect([rooms.takesFrom('BOB@b.test'), rooms.takesFrom('bob@c.test')]).toEqual([false, true]);
  });
});

describe('a suspension', () => {
  const of = (what: Suspension['of'], value: string, until: number | null = null): Suspension => ({
    ...{ id: 's', of: what, value, since: T0, until, by: 'alice', why: 'w' },
  });
  test('ends at its time', () => {
    const [ended, open, endless] = [of('user', 'a', T0), of('user', 'b', T0 + 1), of('user', 'c')];
    expect(inForce([ended, open, endless], T0)).toEqual([open, endless]);
  });
  test.each<[string, Suspension, boolean]>([
    ['a route, its letters as they are', of('route', 'store'), true],
    ['no route of other letters', of('route', 'Store'), false],
    ['a domain', of('domain', 'STORE.test'), true],
    ['a sender', of('sender', 'Alice@sender.test'), true],
    ['a recipient', of('recipient', 'BOB@store.test'), true],
    ['a user', of('user', 'Alice'), true],
    ['no other user', of('user', 'bob'), false],
  ])('means %s', (_, one, means) => {
    expect(suspendedBy(anEntry({ user: 'alice' }), [one]) === one).toBe(means);
  });
  test('of no user means nobody, and of the null sender notifications alone', () => {
    expect(suspendedBy(anEntry(), [of('user', '')])).toBeUndefined();
    expect(suspendedBy(anEntry(), [of('sender', '')])).toBeUndefined();
    expect(suspendedBy(anEntry({ reversePath: from('') }), [of('sender', '')])).toBeDefined();
  });
});

test.each([
  [{ kind: 'tcp', host: 'mail1.internal', port: 25 }, 'mail1.internal:25'],
  [{ kind: 'tcp', host: '2001:db8::1', port: 25 }, '[2001:db8::1]:25'],
  [{ kind: 'unix', path: '/run/lmtp' }, 'unix:/run/lmtp'],
] as const)('a host is said one way: %j', (address, said) => {
  expect(sayHost(address)).toBe(said);
});

test('a notification lives as long as its own expiry says, and where nothing does as all mail', () => {
  const timing = { ...aTiming, notificationExpire: hours(24) };
  expect(lifetime({ notification: true }, timing)).toBe(hours(24));
  expect(lifetime({ notification: false }, timing)).toBe(aTiming.expire);
  expect(lifetime({ notification: true }, aTiming)).toBe(aTiming.expire);
});

test('who is past its expiry is due now, not in the past', () => {
  expect(nextTry(anEntry({ attempts: 1, expiresAt: T0 - minutes(1) }), aTiming, T0, 0.5)).toBe(T0);
});

const reply = (code: number) => ({ code, enhanced: '', text: 'x' });
test.each<[string, AttemptResult, boolean]>([
  ['taken', { kind: 'delivered', host: 'a', reply: reply(250), to: 'relay' }, true],
  ['refused', { kind: 'permanent', host: 'a', reply: reply(550) }, true],
  ['put off', { kind: 'transient', host: 'a', reply: reply(451), cause: '' }, true],
  ['421, no room for us', { kind: 'transient', host: 'a', reply: reply(421), cause: '' }, false],
  ['not reached', { kind: 'transient', host: '', reply: null, cause: 'refused' }, false],
  ['a line that broke after the dot', { kind: 'indeterminate', host: 'a', cause: 'broke' }, false],
])('whether a destination answers: %s', (_, result, answers) => {
  expect(wasAnswered([result])).toBe(answers);
  expect(wasAnswered([{ kind: 'transient', host: '', reply: null, cause: 'x' }, result])).toBe(answers);
});

test('only files are known to take internationalized mail', () => {
  expect(takesOf({ ...aTiming, kind: 'maildir', path: '/m' }).utf8).toBe(true);
  const hosts = { kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null } as const;
  expect(takesOf({ ...aTiming, ...hosts }).utf8).toBe(false);
  expect(takesOf(undefined).utf8).toBe(false);
});

test('an entry as other programs read it says all that an operator asks', () => {
  const last = { at: T0, host: 'b:25', said: '451 no', enhanced: '4.0.0', onlyAt: 'a:25' };
  const view = entryView(anEntry({ last, delayNotified: true, user: 'alice', attempts: 3 }));
  expect(view).toMatchObject({ delay_notified: true, user: 'alice', attempts: 3, reverse_path: 'alice@sender.test' });
  expect(view.last).toEqual({
    ...{ at: '2026-11-22T10:00:00.000Z', host: 'b:25', said: '451 no', enhanced: '4.0.0', only_at: 'a:25' },
  });
  expect(entryView(anEntry({ reversePath: from('') })).reverse_path).toBe('');
  expect(entryView(anEntry()).delay_notified).toBe(false);
});
