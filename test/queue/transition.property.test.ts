import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../../src/mail/time.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { type AttemptResult, type Effect, type EntryEvent, transition } from '../../src/queue/transition.ts';
import { broke, later, no, ok } from '../support/attempts.ts';
import { anEntry, from, T0 } from '../support/entries.ts';

describe('every accepted message', () => {
  const result = fc.constantFrom(ok, no, later, later, later, broke, { ...ok, to: 'mailbox' } as AttemptResult);
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('try' as const),
        result,
        jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('vanish' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('holdAndRelease' as const),
        after: fc.integer({ min: 0, max: hours(200) }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('oversleep' as const), by: fc.integer({ min: 0, max: hours(72) }) }),
    },
  );
  const entry = fc.record({
    sender: fc.constantFrom('authenticated' as const, 'trusted' as const, 'verified' as const, 'unverified' as const),
    reversePath: fc.constantFrom(from('alice@sender.test'), from('')),
    notification: fc.boolean(),
    dsn: fc.record({
      notify: fc.constantFrom([], ['NEVER'], ['SUCCESS'], ['FAILURE'], ['SUCCESS', 'FAILURE', 'DELAY']) as fc.Arbitrary<
        QueueEntry['dsn']['notify']
      >,
      orcpt: fc.constant(''),
      ret: fc.constant('' as const),
      envid: fc.constant(''),
    }),
  });
  const timing = fc.record({
    name: fc.constant('store'),
    retry: fc.array(fc.integer({ min: minutes(20), max: hours(8) }), { minLength: 1, maxLength: 5 }),
    expire: fc.integer({ min: 1, max: hours(120) }),
    delayNotice: fc.constantFrom('never' as const, 0, hours(4)),
    refusedAfterAccept: fc.constantFrom('dsn_if_verified' as const, 'quarantine' as const),
  });

  test('ends once, is never tried after its time, and its sender hears at most once and only when it may', () => {
    fc.assert(
      fc.property(entry, timing, fc.array(step, { maxLength: 40 }), (changes, route, steps) => {
        let now = T0;
        let it = anEntry({ ...changes, expiresAt: T0 + route.expire });
        const effects: Effect[] = [];
        const go = (event: EntryEvent, jitter = 0.5) => {
          const moved = transition(it, event, route, now, jitter);
          if (moved.kind === 'refused') throw new Error(moved.why);
          it = moved.next;
          effects.push(...moved.effects);
        };
        // When the steps are used up the next hop says 4yz for ever: time alone must end it.
        for (let n = 0; it.state.kind === 'waiting'; n++) {
          const turn = steps[n] ?? { do: 'try' as const, result: later, jitter: 0.5 };
          if (turn.do === 'oversleep') now += turn.by;
          else if (turn.do === 'holdAndRelease') {
            go({ kind: 'hold', by: 'operator', why: 'w' });
            now += turn.after;
            go({ kind: 'release' });
          } else {
            now = Math.max(now, it.state.due);
            go({ kind: 'leased', owner: 'me', until: now + minutes(15) });
            if (now >= it.expiresAt) go({ kind: 'expired' });
            else if (turn.do === 'vanish') {
              now += minutes(15);
              go({ kind: 'leaseLost' });
            } else {
              expect(now).toBeLessThan(it.expiresAt);
              go({ kind: 'attempted', result: turn.result }, turn.jitter);
            }
          }
        }
        const ends = effects.filter(
          (e) => e.kind === 'note' && ['delivered', 'bounced', 'quarantined'].includes(e.event),
        );
        expect(ends).toHaveLength(1);
        expect(['delivered', 'bounced', 'quarantined']).toContain(it.state.kind);
        const told = effects.flatMap((e) => (e.kind === 'tell' ? [e.report.action] : []));
        expect(told.filter((a) => a === 'failed')).toHaveLength(it.state.kind === 'bounced' ? 1 : 0);
        expect(told.filter((a) => a === 'delayed').length).toBeLessThanOrEqual(1);
        expect(effects.filter((e) => e.kind === 'quarantine')).toHaveLength(it.state.kind === 'quarantined' ? 1 : 0);
        const silent =
          it.notification ||
          it.reversePath.kind === 'null' ||
          it.sender === 'unverified' ||
          it.dsn.notify.includes('NEVER');
        if (silent) expect(told).toEqual([]);
        for (const event of [
          { kind: 'attempted', result: ok },
          { kind: 'expired' },
          { kind: 'leased', owner: 'o', until: now + 1 },
        ] as const)
          expect(transition(it, event, route, now, 0).kind).toBe('refused');
      }),
      { numRuns: 3000 },
    );
  });
});
