/** What each destination is given: by its pace, its rate, its suspensions, and how much of it may be in our hands. */
import { afterEach, describe, expect, test } from 'vitest';
import { SUSPENDED_AGAIN } from '../../src/gateway/known-suspensions.ts';
import { hours, minutes, seconds } from '../../src/mail/time.ts';
import { FLOW, type Flow } from '../../src/queue/flow.ts';
import { WIDTH_FIRST } from '../../src/queue/pace.ts';
import type { Route } from '../../src/queue/route.ts';
import type { Suspension } from '../../src/queue/suspension.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { from, T0 } from '../support/entries.ts';
import { calm, delivered, house, installation, later, store } from '../support/sending.ts';

const silent: AttemptResult = { kind: 'transient', host: 'a:25', reply: null, cause: 'connection refused' };
const routes = installation.routes as Map<string, Route>;
const before = new Map(routes);
afterEach(() => {
  for (const [name, route] of before) routes.set(name, route);
});

const flow = (changes: Partial<Flow>) => routes.set('store', { ...store, flow: { ...FLOW, ...changes } });
const byMx = () => routes.set('internet', { ...store, name: 'internet', kind: 'mx', port: 25, tls: 'none' });

async function many(admit: ReturnType<typeof house>['admit'], n: number, changes = {}): Promise<void> {
  for (let i = 0; i < n; i += 1) await admit([changes]);
}

describe('a dead destination', () => {
  /** Ten messages wait, and nobody answers. */
  async function dead() {
    const world = house();
    world.hop.answer = () => silent;
    await many(world.admit, 10);
    world.dispatcher.start();
    await calm();
    return world;
  }

  test('costs one attempt a minute, not one a message; the others are not attempts', async () => {
    const { hop, kept, clock } = await dead();
    expect(hop.taken).toHaveLength(WIDTH_FIRST);
    await clock.pass(minutes(1) - 1);
    await calm();
    expect(hop.taken).toHaveLength(WIDTH_FIRST);
    await clock.pass(seconds(2));
    await calm();
    expect(hop.taken).toHaveLength(WIDTH_FIRST + 1);
    await clock.pass(minutes(2));
    await calm();
    expect(hop.taken).toHaveLength(WIDTH_FIRST + 3);
    const attempts = (await kept.queue.list({})).map((entry) => entry.attempts).sort();
    expect(attempts).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test('is told of, with what it said last and when it is asked again', async () => {
    const { dispatcher, clock } = await dead();
    await clock.pass(seconds(30));
    expect(dispatcher.dead).toEqual([{ destination: 'route store', why: 'connection refused', probeIn: seconds(30) }]);
  });

  test('gets everything when a probe is answered, and what was put off in vain waits for its own time', async () => {
    const { hop, kept, clock, dispatcher } = await dead();
    hop.answer = () => delivered;
    await clock.pass(minutes(1) + seconds(2));
    await calm();
    expect(hop.taken).toHaveLength(2 * WIDTH_FIRST);
    expect(dispatcher.dead).toEqual([]);
    expect(await kept.queue.count({})).toBe(WIDTH_FIRST);
    await clock.pass(minutes(5));
    await calm();
    expect(await kept.queue.count({})).toBe(0);
  });

  test('keeps nobody else waiting, and of new mail for it nothing is tried', async () => {
    const { hop, admit, kept } = await dead();
    hop.answer = () => delivered;
    await many((entries) => admit(entries, true), 3);
    await admit([{ route: 'internet', recipient: 'ann@far.test', domain: 'far.test' }], true);
    await calm();
    expect(hop.taken.slice(WIDTH_FIRST).map(({ recipients }) => recipients)).toEqual([['ann@far.test']]);
    const [newest] = (await kept.queue.list({ state: ['waiting'] })).slice(-1);
    expect(newest).toMatchObject({ attempts: 0, last: null });
  });

  test('leaves nobody in the dark: a delay is told once though nothing was tried, and expiry ends it', async () => {
    const { hop, kept, clock, events, admit } = await dead();
    hop.answer = ({ notification }) => (notification ? delivered : silent);
    const id = await admit([{ expiresAt: T0 + hours(6) }]);
    clock.jump(T0 + hours(4));
    await clock.pass(seconds(5));
    await calm();
    expect(await events(id)).toEqual(['1 notified']);
    const [entry] = await kept.queue.list({ recordId: id });
    expect(entry).toMatchObject({ attempts: 0, last: null, delayNotified: true });
    clock.jump(T0 + hours(6));
    await clock.pass(seconds(5));
    await calm();
    expect(await events(id)).toEqual(['1 notified', '1 bounced', '1 notified']);
  });

  test('by MX is one domain, and not the others of its route', async () => {
    byMx();
    const { hop, admit, dispatcher } = house();
    hop.answer = ({ domain }) => (domain === 'dead.test' ? silent : delivered);
    const to = (domain: string) => ({ route: 'internet', domain, recipient: `u@${domain}` });
    await many(admit, 6, to('dead.test'));
    await many(admit, 3, to('far.test'));
    dispatcher.start();
    await calm();
    expect(hop.taken.filter(({ recipients }) => recipients[0] === 'u@far.test')).toHaveLength(3);
    expect(dispatcher.dead.map(({ destination }) => destination)).toEqual(['dead.test by route internet']);
  });
});

describe('a destination that answers', () => {
  test('is given a few at first, more as it answers, and never more than its route says', async () => {
    flow({ concurrency: 7 });
    const { hop, admit, dispatcher } = house();
    let most = 0;
    const go: (() => void)[] = [];
    hop.deliver = async ({ entries }) => {
      hop.running += 1;
      most = Math.max(most, hop.running);
      await new Promise<void>((resolve) => go.push(resolve));
      hop.running -= 1;
      return entries.map(() => delivered);
    };
    await many(admit, 60);
    dispatcher.start();
    await calm();
    expect(hop.running).toBe(WIDTH_FIRST);
    while (go.length > 0) {
      go.shift()?.();
      await calm();
    }
    expect(most).toBe(7);
  });

  test('is given a message for each sender in turn', async () => {
    flow({ concurrency: 1 });
    const { hop, admit } = house();
    let open = () => {};
    hop.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const by = (sender: string, n: number) => [{ reversePath: from(sender), recipient: `${n}@store.test` }];
    for (let n = 1; n <= 3; n += 1) await admit(by('bulk@sender.test', n), true);
    for (let n = 4; n <= 5; n += 1) await admit(by('alice@sender.test', n), true);
    open();
    await calm();
    expect(hop.taken.map(({ recipients }) => recipients[0]?.[0]).join('')).toBe('12435');
  });

  test('is given no more in a time than its rate', async () => {
    flow({ rate: { messages: 60, per: minutes(1) } });
    const { hop, admit, dispatcher, clock } = house();
    await many(admit, 10);
    dispatcher.start();
    await calm();
    expect(hop.taken).toHaveLength(1);
    for (let n = 0; n < 5; n += 1) {
      await clock.pass(seconds(1));
      await calm();
    }
    expect(hop.taken).toHaveLength(6);
  });

  test('that defers is not dead: it is asked as each message is due', async () => {
    const { hop, admit, dispatcher } = house();
    hop.answer = () => later;
    await many(admit, 9);
    dispatcher.start();
    await calm();
    expect(hop.taken).toHaveLength(9);
    expect(dispatcher.dead).toEqual([]);
  });
});

describe('suspended mail', () => {
  const suspension = (of: Suspension['of'], value: string): Suspension => ({
    id: of,
    of,
    value,
    since: T0,
    until: null,
    by: 'olga',
    why: 'INC-1',
  });

  test.each([
    ['route', 'store'],
    ['domain', 'STORE.test'],
    ['sender', 'Alice@sender.test'],
    ['recipient', 'bob@store.test'],
    ['user', 'alice'],
  ] as const)('by %s is neither tried nor counted, and goes when it is resumed', async (of, value) => {
    const { hop, admit, dispatcher, kept, clock } = house();
    await kept.queue.suspend(suspension(of, value));
    const ours = { user: 'alice' };
    await admit([ours]);
    await admit([{ route: 'internet', domain: 'far.test', recipient: 'ann@far.test', reversePath: from('') }]);
    dispatcher.start();
    await calm();
    await admit([ours], true);
    await clock.pass(minutes(1));
    await calm();
    expect(hop.taken.map(({ recipients }) => recipients)).toEqual([['ann@far.test']]);
    expect((await kept.queue.list({})).map(({ attempts, state }) => [attempts, state.kind])).toEqual([
      [0, 'waiting'],
      [0, 'waiting'],
    ]);
    await kept.queue.resume([of]);
    await clock.pass(SUSPENDED_AGAIN + seconds(3));
    await calm();
    expect(hop.taken).toHaveLength(3);
  });

  test('ends by itself when its time is over', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    await kept.queue.suspend({ ...suspension('route', 'store'), until: T0 + minutes(1) });
    await admit();
    dispatcher.start();
    await clock.pass(minutes(1) - seconds(1));
    await calm();
    expect(hop.taken).toEqual([]);
    await clock.pass(seconds(4));
    await calm();
    expect(hop.taken).toHaveLength(1);
  });

  test('is not what is told where the destination does not answer', async () => {
    const { hop, admit, dispatcher, clock } = house();
    hop.answer = ({ notification }) =>
      notification ? delivered : { kind: 'transient', host: '', reply: null, cause: 'connect ECONNREFUSED' };
    for (let n = 0; n < 40; n++) await admit();
    dispatcher.start();
    await calm();
    clock.jump(T0 + hours(5));
    await clock.pass(seconds(5));
    await calm();
    const told = hop.taken
      .map(({ text }) => text.replace(/\s+/g, ' '))
      .filter((text) => text.includes('Action: delayed'));
    expect(told).toHaveLength(40);
    for (const text of told) expect(text).toContain('Status: 4.4.1 ');
    expect(
      told.filter((text) => text.includes('mail server does not answer (connect ECONNREFUSED)')).length,
    ).toBeGreaterThan(0);
  });

  test('tells its sender of the delay once, and ends at its expiry', async () => {
    const { hop, admit, dispatcher, kept, clock, events } = house();
    await kept.queue.suspend(suspension('route', 'store'));
    const id = await admit([{ expiresAt: T0 + hours(6) }]);
    dispatcher.start();
    await calm();
    clock.jump(T0 + hours(4));
    await clock.pass(seconds(5));
    await calm();
    expect(await events(id)).toEqual(['1 notified']);
    expect(hop.taken[0]?.text).toMatch(
      /Action: delayed\r\nStatus: 4\.3\.2\r\nDiagnostic-Code: x-postern; not sent now: /,
    );
    expect(hop.taken[0]?.text.replace(/\s+/g, ' ')).toContain('keeps it until its postmaster lets it go Will-Retry');
    expect((await kept.queue.list({}))[0]).toMatchObject({ attempts: 0, delayNotified: true });
    clock.jump(T0 + hours(6));
    await clock.pass(seconds(5));
    await calm();
    expect(await events(id)).toEqual(['1 notified', '1 bounced', '1 notified']);
    expect(hop.taken.map(({ recipients }) => recipients)).toEqual([['alice@sender.test'], ['alice@sender.test']]);
  });
});
