import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../src/mail/time.ts';
import type { EntryState, QueueEntry } from '../../src/queue/entry.ts';
import type { RouteTiming } from '../../src/queue/route.ts';
import { nextTry, waitAfter } from '../../src/queue/schedule.ts';
import {
  type AttemptResult,
  type Effect,
  type EntryEvent,
  type Refusal,
  transition,
  type WaitedStatus,
} from '../../src/queue/transition.ts';
import { broke, later, no, ok } from '../support/attempts.ts';
import { anEntry, aTiming, from, T0 } from '../support/entries.ts';

const leased: EntryState = { kind: 'leased', owner: 'me', until: T0 + minutes(15) };

function move(entry: QueueEntry, event: EntryEvent, timing: RouteTiming = aTiming, now = T0, jitter = 0.5) {
  const moved = transition(entry, event, timing, now, jitter);
  if (moved.kind === 'refused') throw new Error(moved.why);
  return moved;
}
const said = (effects: readonly Effect[]) =>
  effects.map((e) => (e.kind === 'note' ? e.event : e.kind === 'tell' ? `tell ${e.report.action}` : e.kind));

test('a refusal that the client was told itself ends the entry, and tells nobody else', () => {
  const { next, effects } = move(anEntry({ state: leased }), { kind: 'refused', result: no as Refusal });
  expect(next).toMatchObject({ state: { kind: 'refused' }, last: { host: 'a:25', said: '550 5.1.1 nobody' } });
  expect(effects).toEqual([{ kind: 'note', event: 'refused', by: 'a:25', text: '550 5.1.1 nobody' }]);
  expect(transition(next, { kind: 'refused', result: no as Refusal }, aTiming, T0, 0)).toMatchObject({
    kind: 'refused',
  });
});

describe('a report of what was never decided', () => {
  const report = (entry: Partial<QueueEntry>, event: EntryEvent) =>
    move(anEntry(entry), event, aTiming, T0 + hours(9)).effects.find(({ kind }) => kind === 'tell');
  const last = { at: T0, host: 'mx.a.test:25', said: '451 busy', enhanced: '', onlyAt: '' };

  test('says at its expiry who said what at the last attempt, or that there was none', () => {
    expect(report({ expiresAt: T0, last }, { kind: 'expired' })).toMatchObject({
      report: { said: 'its time is over; the last attempt, at mx.a.test:25: 451 busy', at: T0 },
    });
    expect(report({ expiresAt: T0 }, { kind: 'expired' })).toMatchObject({ report: { at: null } });
  });
  test('names no time of an attempt while it waits untried', () => {
    expect(report({ state: leased }, { kind: 'waited', why: 'others go first', status: '4.4.5' })).toMatchObject({
      report: { action: 'delayed', status: '4.4.5', said: 'others go first', at: null },
    });
  });
  test('names a host for its silence alone, not where it is we who keep the message', () => {
    const waited = (status: WaitedStatus) =>
      report({ state: leased, last }, { kind: 'waited', why: 'not now', status });
    const said = 'not now; the last attempt, at mx.a.test:25: 451 busy';
    expect(waited('4.4.1')).toMatchObject({ report: { status: '4.4.1', host: 'mx.a.test:25', said } });
    expect(waited('4.3.2')).toMatchObject({ report: { status: '4.3.2', host: '', said } });
  });
});

describe('an attempt', () => {
  const table: readonly [string, Partial<QueueEntry>, AttemptResult, EntryState['kind'], readonly string[]][] = [
    ['delivered ends it', {}, ok, 'delivered', ['delivered']],
    [
      'delivered with NOTIFY=SUCCESS to a hop without DSN is relayed',
      dsn('SUCCESS'),
      ok,
      'delivered',
      ['delivered', 'tell relayed'],
    ],
    [
      'delivered into a mailbox is told as delivered',
      dsn('SUCCESS'),
      { ...ok, to: 'mailbox' },
      'delivered',
      ['delivered', 'tell delivered'],
    ],
    [
      'a hop that took the wishes tells by itself',
      dsn('SUCCESS'),
      { ...ok, to: 'dsnRelay' },
      'delivered',
      ['delivered'],
    ],
    [
      'success is not told to a sender nobody knows',
      { ...dsn('SUCCESS'), sender: 'unverified' },
      ok,
      'delivered',
      ['delivered'],
    ],
    ['a refusal is told to a verified sender', {}, no, 'bounced', ['bounced', 'tell failed']],
    [
      'a refusal is told to an authenticated sender',
      { sender: 'authenticated' },
      no,
      'bounced',
      ['bounced', 'tell failed'],
    ],
    [
      'a refusal is not told to a sender nobody knows',
      { sender: 'unverified' },
      no,
      'quarantined',
      ['quarantined', 'quarantine'],
    ],
    [
      'the null reverse-path is never told',
      { reversePath: from('') },
      no,
      'quarantined',
      ['quarantined', 'quarantine'],
    ],
    ['a notification is never answered', { notification: true }, no, 'quarantined', ['quarantined', 'quarantine']],
    ['NOTIFY=NEVER is honoured', dsn('NEVER'), no, 'quarantined', ['quarantined', 'quarantine']],
    ['NOTIFY without FAILURE is honoured', dsn('DELAY'), no, 'quarantined', ['quarantined', 'quarantine']],
    ['4yz waits', {}, later, 'waiting', ['deferred']],
    ['a broken line waits', {}, broke, 'waiting', ['deferred']],
    ['4yz after the time is over ends it', { expiresAt: T0 }, later, 'bounced', ['bounced', 'tell failed']],
    [
      '4yz after four hours is told once',
      { admittedAt: T0 - hours(5) },
      later,
      'waiting',
      ['deferred', 'tell delayed'],
    ],
    ['4yz is not told twice', { admittedAt: T0 - hours(5), delayNotified: true }, later, 'waiting', ['deferred']],
    [
      '4yz is not told to who did not ask for DELAY',
      { admittedAt: T0 - hours(5), ...dsn('FAILURE') },
      later,
      'waiting',
      ['deferred'],
    ],
  ];
  test('that a host would not talk about is told in its own words, and waits all the same', () => {
    const reply = { code: 554, enhanced: '5.7.1', text: 'go away' };
    const { next, effects } = move(anEntry({ state: leased, attempts: 1, admittedAt: T0 - hours(5) }), {
      kind: 'attempted',
      result: { kind: 'transient', host: 'a:25', reply, cause: 'greeting was refused' },
    });
    expect(next).toMatchObject({ state: { kind: 'waiting' }, last: { said: '554 5.7.1 go away', enhanced: '4.7.1' } });
    expect(effects).toMatchObject([
      { kind: 'note', event: 'deferred', text: '554 5.7.1 go away' },
      { kind: 'tell', report: { action: 'delayed', status: '4.7.1', reply } },
    ]);
  });
  test.each(table)('%s', (_name, changes, result, state, effects) => {
    const moved = move(anEntry({ state: leased, attempts: 1, ...changes }), { kind: 'attempted', result });
    expect(moved.next.state.kind).toBe(state);
    expect(said(moved.effects)).toEqual(effects);
  });

  test('a route that keeps what is refused tells nobody', () => {
    const timing: RouteTiming = { ...aTiming, refusedAfterAccept: 'quarantine' };
    expect(move(anEntry({ state: leased }), { kind: 'attempted', result: no }, timing).next.state.kind).toBe(
      'quarantined',
    );
  });

  test('the host whose line broke after the final dot stays the only one through later failures', () => {
    const first = move(anEntry({ state: leased }), { kind: 'attempted', result: broke }).next;
    expect(first.last?.onlyAt).toBe('a:25');
    const again = move({ ...first, state: leased }, { kind: 'attempted', result: { ...later, host: 'a:25' } }).next;
    expect(again.last?.onlyAt).toBe('a:25');
  });
});

function dsn(...notify: QueueEntry['dsn']['notify']): Partial<QueueEntry> {
  return { dsn: { notify, orcpt: '', ret: '', envid: '' } };
}

describe('what is told of an entry whose time is over', () => {
  const over = { expiresAt: T0, admittedAt: T0 - hours(120) };
  const tried = { at: T0 - hours(1), host: 'a:25', said: '451 4.3.0 busy', enhanced: '4.3.0', onlyAt: '' };
  const told = (last: QueueEntry['last'], event: EntryEvent) =>
    move(anEntry({ ...over, last, state: leased }), event).effects.flatMap((one) =>
      one.kind === 'tell' ? [one.report] : [],
    );
  test.each([
    ['the trouble it last had (RFC 3463 §3.5)', tried, { status: '4.3.0', host: 'a:25', at: tried.at }],
    ['that its time is over where no host named one', { ...tried, enhanced: '' }, { status: '4.4.7', host: 'a:25' }],
    ['that it was never tried', null, { status: '4.4.7', host: '', at: null }],
  ])('%s', (_, last, report) => {
    expect(told(last, { kind: 'expired' })).toEqual([
      expect.objectContaining({ action: 'failed', reply: null, ...report }),
    ]);
  });
  test('the answer that came too late is its last trouble', () => {
    expect(told(null, { kind: 'attempted', result: later })).toMatchObject([{ status: '4.3.0', at: T0 }]);
  });
  test('of a delay of what was never tried, no time of a try', () => {
    const { effects } = move(anEntry({ admittedAt: T0 - hours(5), state: leased }), {
      kind: 'waited',
      why: 'dead',
      status: '4.4.1',
    });
    expect(effects).toMatchObject([{ kind: 'tell', report: { action: 'delayed', status: '4.4.1', at: null } }]);
  });
});

test('of a delay of what was not tried nobody hears who may not be told, and nobody twice', () => {
  const waited = (changes: Partial<QueueEntry>, admittedAt = T0 - hours(5)) =>
    said(
      move(anEntry({ admittedAt, state: leased, ...changes }), { kind: 'waited', why: 'dead', status: '4.4.1' })
        .effects,
    );
  expect(waited({})).toEqual(['tell delayed']);
  expect([waited({ sender: 'unverified' }), waited({ delayNotified: true }), waited({}, T0)]).toEqual([[], [], []]);
});

test('a refusal or a success without an enhanced code is told with the one of its class', () => {
  const bare = (code: number) => ({ code, enhanced: '', text: 'x' });
  const told = (result: AttemptResult) =>
    move(anEntry({ state: leased, ...dsn('SUCCESS', 'FAILURE') }), { kind: 'attempted', result }).effects;
  const status = (of: string) =>
    expect.arrayContaining([expect.objectContaining({ report: expect.objectContaining({ status: of }) })]);
  expect(told({ ...ok, reply: bare(250) })).toEqual(status('2.0.0'));
  expect(told({ ...no, reply: bare(550) })).toEqual(status('5.0.0'));
});

test('the delay notice is due with the hour, and not a moment before', () => {
  const at = (admittedAt: number) =>
    said(move(anEntry({ admittedAt, state: leased }), { kind: 'attempted', result: later }).effects);
  expect(at(T0 - hours(4))).toEqual(['deferred', 'tell delayed']);
  expect(at(T0 - hours(4) + 1)).toEqual(['deferred']);
});

test('nobody takes what is not due, and a lease that runs out now is free now', () => {
  const lease: EntryEvent = { kind: 'leased', owner: 'me', until: T0 + 1000 };
  const asked = (state: EntryState) => transition(anEntry({ state }), lease, aTiming, T0, 0.5).kind;
  expect(asked({ kind: 'waiting', due: T0 + 1 })).toBe('refused');
  expect(asked({ kind: 'waiting', due: T0 })).toBe('moved');
  expect(asked({ kind: 'leased', owner: 'you', until: T0 + 1 })).toBe('refused');
  expect(asked({ kind: 'leased', owner: 'you', until: T0 })).toBe('moved');
});

test('a person who asks for a try of what is past its expiry gets one, with a new life', () => {
  const next = (expiresAt: number) => move(anEntry({ expiresAt }), { kind: 'retry' }).next.expiresAt;
  expect(next(T0)).toBe(T0 + aTiming.expire);
  expect(next(T0 + 1)).toBe(T0 + 1);
});

describe('the schedule', () => {
  test.each([
    [1, 0.5, minutes(5)],
    [2, 0.5, minutes(10)],
    [3, 0.5, hours(1)],
    [40, 0.5, hours(1)],
    [1, 0, minutes(4.5)],
    [1, 1, minutes(5.5)],
  ])('after attempt %i with a throw of %d it waits %i ms', (attempts, jitter, wait) => {
    expect(waitAfter(attempts, aTiming.retry, jitter)).toBe(wait);
  });
  test('no try lies beyond the expiry', () => {
    expect(nextTry(anEntry({ attempts: 3, expiresAt: T0 + 1000 }), aTiming, T0, 0.5)).toBe(T0 + 1000);
  });
});

describe('who may move what', () => {
  const waiting: EntryState = { kind: 'waiting', due: T0 };
  const held: EntryState = { kind: 'held', by: 'rule', why: 'w' };
  const states: readonly EntryState[] = [
    waiting,
    leased,
    held,
    { kind: 'quarantined' },
    { kind: 'delivered' },
    { kind: 'bounced' },
    { kind: 'removed' },
  ];
  const table: readonly [EntryEvent, readonly string[]][] = [
    [{ kind: 'leased', owner: 'o', until: T0 + 1 }, ['leased', '-', '-', '-', '-', '-', '-']],
    [{ kind: 'attempted', result: ok }, ['-', 'delivered', '-', '-', '-', '-', '-']],
    [{ kind: 'expired' }, ['-', '-', '-', '-', '-', '-', '-']],
    [{ kind: 'leaseLost' }, ['-', '-', '-', '-', '-', '-', '-']],
    [{ kind: 'putBack' }, ['-', 'waiting', '-', '-', '-', '-', '-']],
    [{ kind: 'hold', by: 'operator', why: 'w' }, ['held', '-', '-', '-', '-', '-', '-']],
    [{ kind: 'release' }, ['-', '-', 'waiting', 'waiting', '-', '-', '-']],
    [{ kind: 'retry' }, ['waiting', '-', '-', '-', '-', '-', '-']],
    [{ kind: 'remove', why: 'w' }, ['removed', '-', 'removed', 'removed', '-', '-', '-']],
  ];
  test.each(table)('%o', (event, expected) => {
    const came = states.map((state) => {
      const moved = transition(anEntry({ state }), event, aTiming, T0, 0.5);
      return moved.kind === 'moved' ? moved.next.state.kind : '-';
    });
    expect(came).toEqual(expected);
  });

  test('a lease that ran out is free for the next owner, and the vanished attempt counts', () => {
    const entry = anEntry({ state: { kind: 'leased', owner: 'gone', until: T0 }, attempts: 1 });
    expect(move(entry, { kind: 'leased', owner: 'next', until: T0 + 9 }).next.attempts).toBe(2);
    expect(move(entry, { kind: 'leaseLost' }).next).toMatchObject({
      attempts: 1,
      state: { kind: 'waiting', due: T0 + minutes(5) },
    });
  });
  test('what a person releases starts anew, also when its time was over', () => {
    const entry = anEntry({ state: { kind: 'quarantined' }, attempts: 40, expiresAt: T0 - hours(1) });
    expect(move(entry, { kind: 'release' }).next).toMatchObject({ attempts: 0, expiresAt: T0 + aTiming.expire });
  });
});
