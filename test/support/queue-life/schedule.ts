/** What may befall a queue: mail, answers, silence, people, crashes, a store in trouble, clocks that jump. */
import fc from 'fast-check';

/** What the next hop says to one recipient. */
export const ANSWERS = [
  'taken',
  'mailbox',
  'dsnRelay',
  'later',
  'busy',
  'refused',
  'silent',
  'broken',
  'brokenTaken',
] as const;
export type Answer = (typeof ANSWERS)[number];

export const PEOPLE = ['hold', 'release', 'retry', 'remove'] as const;

/** `leaves`: before any word; `deaf`: when the word comes, it is gone. */
export const CLIENTS = ['asksNothing', 'waits', 'leaves', 'deaf'] as const;

export type Action =
  | {
      readonly kind: 'mail';
      readonly recipients: readonly (0 | 1 | 2)[];
      readonly sender: 0 | 1 | 2 | 3;
      readonly notify: 0 | 1 | 2 | 3;
      readonly claimed: boolean;
      /** What its client does while it waits for the store's word, where it does. */
      readonly client: (typeof CLIENTS)[number];
    }
  /** What the next hop answers from now on, one after the other, again and again; and how long it takes. */
  | { readonly kind: 'answers'; readonly route: 0 | 1; readonly answers: readonly Answer[]; readonly takes: number }
  | { readonly kind: 'person'; readonly does: (typeof PEOPLE)[number]; readonly which: number }
  | { readonly kind: 'suspend'; readonly of: 0 | 1 | 2 | 3; readonly which: number }
  | { readonly kind: 'resume' }
  /** At the nth call of the store from now, before or after it is committed; leases taken back at the start, or left to run out. */
  | { readonly kind: 'crash'; readonly calls: number; readonly committed: boolean; readonly takeBack: boolean }
  | { readonly kind: 'trouble'; readonly calls: number; readonly committed: boolean }
  /** The next notifications cannot be written. */
  | { readonly kind: 'unwritable'; readonly writes: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'jump'; readonly by: number };

export interface Step {
  /** Milliseconds that pass before it. */
  readonly after: number;
  readonly action: Action;
}

const MINUTE = 60_000;

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('mail' as const),
      recipients: fc.array(fc.constantFrom(0, 1, 2), { minLength: 1, maxLength: 3 }),
      sender: fc.constantFrom(0, 0, 1, 2, 3),
      notify: fc.constantFrom(0, 0, 1, 2, 3),
      claimed: fc.boolean(),
      client: fc.constantFrom('asksNothing', 'asksNothing', 'waits', 'waits', ...CLIENTS),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answers' as const),
      route: fc.constantFrom(0, 1),
      answers: fc.array(fc.constantFrom(...ANSWERS), { minLength: 1, maxLength: 4 }),
      takes: fc.constantFrom(0, 0, 700, 3000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('person' as const),
      does: fc.constantFrom(...PEOPLE),
      which: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('suspend' as const),
      of: fc.constantFrom(0, 1, 2, 3),
      which: fc.nat({ max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'resume' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      calls: fc.integer({ min: 1, max: 6 }),
      committed: fc.boolean(),
      takeBack: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('trouble' as const),
      calls: fc.integer({ min: 1, max: 3 }),
      committed: fc.constant(false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('unwritable' as const), writes: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'stop' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('jump' as const),
      by: fc.constantFrom(-8000, -2000, 3000, 9000, 30_000, 16 * MINUTE),
    }),
  },
);

export const schedules: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ after: fc.constantFrom(0, 0, 0, 300, 1100, 2500, 6000), action }),
  { minLength: 1, maxLength: 14 },
);
