/** What may stand in a file of policy tests (`policies/tests/*.yaml`): cases, each a scenario and what is expected of it. */
import { z } from 'zod';
import { duration } from '../../language/units.ts';
import { STAGES } from '../../policy/stage.ts';
import { scenarioSchema } from '../../record/scenario-schema.ts';

const VERDICTS = ['accept', 'reject', 'defer', 'quarantine', 'discard', 'hold'] as const;
const OUTCOMES = [
  'none',
  'queued',
  'quarantined',
  'held',
  'discarded',
  'refused',
  'deferred',
  'bounced',
  'not_taken',
  'duplicate',
] as const;

const about = (description: string) => ({ description });

const reply = z
  .strictObject({
    code: z.number().int().min(200).max(599).optional(),
    enhanced: z.string().optional(),
    text: z.string().meta(about('stands somewhere in the text')).optional(),
  })
  .meta(about('the reply that was sent'));

/** `{ spf.result: pass }` or `{ spf: { result: pass } }`; what is not named may be anything. */
const facts = z
  .record(z.string(), z.unknown())
  .meta(about('facts by path, or nested; what is not named may be anything'));

const ending = {
  verdict: z.enum(VERDICTS).optional(),
  rule: z.string().meta(about("name of the rule that ended it; '' where none did")).optional(),
  reason: z.string().meta(about('`rule:NAME`, `builtin:WORD`, `on_error:CHECK` or `otherwise`')).optional(),
  stage: z.enum(STAGES).optional(),
  reply: reply.optional(),
};

const recipient = z.strictObject({
  ...ending,
  outcome: z.enum(OUTCOMES).optional(),
  why: z.string().meta(about('stands somewhere in why it is held, quarantined or discarded')).optional(),
  headers: z
    .record(z.string(), z.string())
    .meta(about('fields the rules added: the value has this text somewhere'))
    .optional(),
  route: z.string().meta(about("the route a rule chose; '' for none")).optional(),
  score: z.number().optional(),
  notes: z.array(z.string()).meta(about('each stands somewhere in a note')).optional(),
  held: z.array(z.string()).meta(about('rules that held, whether they ended anything or not')).optional(),
  would: z.array(z.string()).meta(about('rules in monitor mode that would have held')).optional(),
  quiet: z.array(z.string()).meta(about('rules that did not hold, or were passed over or never asked')).optional(),
  facts: facts.optional(),
});

const expectation = z
  .strictObject({
    session: z.strictObject(ending).meta(about('how the session or transaction ended before any recipient')).optional(),
    recipients: z
      .record(z.string(), z.union([z.enum(VERDICTS), recipient]))
      .meta(about('by address: a verdict, or a map'))
      .optional(),
    facts: facts.optional(),
  })
  .refine((all) => Object.keys(all).length > 0, {
    error: 'nothing is expected: expected `session`, `recipients` or `facts`',
  });

const given = scenarioSchema.meta(about('lies over what stands before it, key by key; zones and answers name by name'));

const step = z.strictObject({
  name: z.string().optional(),
  after: duration().meta(about('time that passes since the step before')).optional(),
  given: given.optional(),
  expect: expectation.optional(),
});

const testCase = z
  .strictObject({
    name: z.string().min(1).meta(about('a sentence that says what shall hold')),
    given: given.optional(),
    expect: expectation.optional(),
    steps: z.array(step).min(1).meta(about('one after the other over the same state')).optional(),
  })
  .refine((one) => (one.expect === undefined) !== (one.steps === undefined), {
    error: 'the case says neither or both of `expect` and `steps`: expected exactly one of them',
  });

export const testFileSchema = z.strictObject({
  policy: z.string().meta(about('the policy under test: its listener is the default, its rules are what is covered')),
  defaults: given.optional(),
  cases: z.array(testCase).min(1),
});

export type TestFileData = z.output<typeof testFileSchema>;
export type CaseData = TestFileData['cases'][number];
export type ExpectationData = z.output<typeof expectation>;
export type RecipientExpectation = z.output<typeof recipient>;

/** JSON Schema, for editors. */
export const policyTestSchema = (): object => z.toJSONSchema(testFileSchema, { io: 'input' });
