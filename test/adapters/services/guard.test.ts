/** When a service is shut out, what lets it in again, and what is told of it. */
import { expect, test } from 'vitest';
import {
  afterFailure,
  afterProbe,
  type BreakerState,
  CLOSED,
  FAILURES,
  PROBE_FIRST,
  TRIAL_FAILURES,
} from '../../../src/adapters/services/breaker.ts';
import { Guard } from '../../../src/adapters/services/guard.ts';
import { ServiceError } from '../../../src/ports/services.ts';
import { FakeClock } from '../../support/clock.ts';

function guarded() {
  const clock = new FakeClock();
  const told: string[] = [];
  const probes = { sent: 0, answered: false };
  const guard = new Guard({
    service: 'clamav',
    clock,
    probe: async () => {
      probes.sent += 1;
      if (!probes.answered) throw new ServiceError('unreachable', 'nobody there');
    },
    tell: ({ state }) => told.push(state),
  });
  let asked = 0;
  const fail = (message: string, kind: ServiceError['kind'] = 'silent'): Promise<string> =>
    guard
      .ask(message, async () => {
        asked += 1;
        throw new ServiceError(kind, `no answer to ${message}`);
      })
      .catch((error: ServiceError) => error.kind);
  const work = (): Promise<string> =>
    guard.ask('fine', async () => 'verdict').catch((error: ServiceError) => error.kind);
  return { clock, told, probes, guard, fail, work, asked: () => asked };
}
const many = async (count: number, one: (n: number) => Promise<unknown>): Promise<void> => {
  for (let n = 0; n < count; n++) await one(n);
};

test('message after message without a verdict: it is not asked any more, and that is told once', async () => {
  const { told, fail, work, asked } = guarded();
  await many(FAILURES, (n) => fail(`m${n}`));
  expect(told).toEqual(['down']);
  expect(await work()).toBe('resting');
  expect(await fail('another')).toBe('resting');
  expect(asked()).toBe(FAILURES);
  expect(told).toEqual(['down']);
});

test('each relapse doubles the time between probes, to two minutes', () => {
  const waits: number[] = [];
  let state: BreakerState = CLOSED;
  for (let relapse = 0; relapse < 7; relapse++) {
    for (let n = 0; state.kind !== 'open'; n++) state = afterFailure(state, `m${n}`);
    waits.push(state.wait / 1000);
    state = afterProbe(state, true);
  }
  expect(waits).toEqual([10, 20, 40, 80, 120, 120, 120]);
});

test('one message that breaks its scanner again and again shuts nobody out', async () => {
  const { told, fail, work } = guarded();
  await many(50, () => fail('killer', 'broken'));
  expect(told).toEqual([]);
  expect(await work()).toBe('verdict');
});

test('where nobody listens, that is nobody’s message’s fault', async () => {
  const { told, fail } = guarded();
  await many(FAILURES, () => fail('the same', 'unreachable'));
  expect(told).toEqual(['down']);
});

test('a verdict in between begins the count anew', async () => {
  const { told, fail, work } = guarded();
  await many(FAILURES - 1, (n) => fail(`a${n}`));
  await work();
  await many(FAILURES - 1, (n) => fail(`b${n}`));
  expect(told).toEqual([]);
});

test('only probes go out, one an interval, until one is answered', async () => {
  const { clock, told, probes, fail, work } = guarded();
  await many(FAILURES, (n) => fail(`m${n}`));
  await clock.pass(PROBE_FIRST * 3);
  expect(probes.sent).toBe(3);
  expect(await work()).toBe('resting');
  probes.answered = true;
  await clock.pass(PROBE_FIRST);
  expect(told).toEqual(['down', 'up']);
  expect(await work()).toBe('verdict');
  expect(clock.sleeping).toBe(0);
});

test('one that answers probes and gives no verdicts is out again sooner, and is probed less often', async () => {
  const { clock, told, probes, fail } = guarded();
  await many(FAILURES, (n) => fail(`m${n}`));
  probes.answered = true;
  await clock.pass(PROBE_FIRST);
  await many(TRIAL_FAILURES, (n) => fail(`again${n}`));
  expect(told).toEqual(['down', 'up', 'down']);
  await clock.pass(PROBE_FIRST);
  expect(probes.sent).toBe(1);
  await clock.pass(PROBE_FIRST);
  expect(probes.sent).toBe(2);
});

test('once another stands in its place it is probed no more, and nothing is told but that', async () => {
  const { clock, told, guard, fail, work } = guarded();
  await many(FAILURES, (n) => fail(`m${n}`));
  guard.retire();
  expect(told).toEqual(['down', 'retired']);
  expect(clock.sleeping).toBe(0);
  // A session that began before still holds it.
  expect(await work()).toBe('verdict');
  expect(told).toEqual(['down', 'retired']);
});

test('a fault of our own is no failure of the service', async () => {
  const { told, guard } = guarded();
  await many(FAILURES * 2, (n) =>
    guard.ask(`m${n}`, () => Promise.reject(new Error('the disk is gone'))).catch(() => {}),
  );
  expect(told).toEqual([]);
});
