import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Askable, ask } from '../../src/policy/ask.ts';
import type { Ground } from '../../src/policy/asking.ts';
import type { CheckSpec, OnError } from '../../src/policy/check-spec.ts';
import { type Asked, type Carry, type Decision, NOTHING_CARRIED } from '../../src/policy/disposition.ts';
import { environmentOf, patternFinder } from '../../src/policy/environment.ts';
import { type Compiler, compileExpression, type Expression } from '../../src/policy/expression.ts';
import { checkRoot, edgeRoots } from '../../src/policy/fact-types.ts';
import type { FactValue } from '../../src/policy/facts.ts';
import type { CheckInstance, Situation } from '../../src/policy/policy.ts';
import { type Action, permits, type Rule } from '../../src/policy/rule.ts';
import { parseTemplate } from '../../src/policy/template.ts';
import { instancesRead, namesOf, type Vocabulary } from '../../src/policy/vocabulary.ts';

/** How many random policies, each with its facts and its orders of arrival. */
const RUNS = 20_000;

const CHECKS = ['alpha', 'beta', 'gamma', 'delta'] as const;
type CheckName = (typeof CHECKS)[number];

// ── A condition as a tree, so that it can be written as an expression and judged without the engine ──

type Tree =
  | { readonly op: 'flag' | 'word' | 'number' | 'status' | 'known' | 'element'; readonly check: CheckName }
  | { readonly op: 'header' | 'define' | 'true' | 'score' }
  | { readonly op: 'not'; readonly of: Tree }
  | { readonly op: 'and' | 'or'; readonly left: Tree; readonly right: Tree }
  | { readonly op: 'if'; readonly test: Tree; readonly yes: Tree; readonly no: Tree };

const DEFINE: Tree = {
  op: 'or',
  left: { op: 'flag', check: 'alpha' },
  right: { op: 'and', left: { op: 'word', check: 'beta' }, right: { op: 'header' } },
};

function write(tree: Tree): string {
  switch (tree.op) {
    case 'flag':
      return `${tree.check}.flag`;
    case 'word':
      return `${tree.check}.word == 'yes'`;
    case 'number':
      return `${tree.check}.number > 2`;
    case 'status':
      return `${tree.check}.status == 'failed'`;
    case 'known':
      return `known(${tree.check}.flag)`;
    case 'element':
      return `${tree.check}.words.exists(w, w == 'a')`;
    case 'header':
      return "rx(header('subject'), 'win')";
    case 'define':
      return 'either';
    case 'true':
      return 'client.port > 0';
    case 'score':
      return 'total.score >= 2';
    case 'not':
      return `!(${write(tree.of)})`;
    case 'and':
      return `(${write(tree.left)}) && (${write(tree.right)})`;
    case 'or':
      return `(${write(tree.left)}) || (${write(tree.right)})`;
    case 'if':
      return `((${write(tree.test)}) ? (${write(tree.yes)}) : (${write(tree.no)}))`;
  }
}

// ── What is so in the end: each check's end, and what the three-valued truth of a tree is then ──

type End =
  | {
      readonly kind: 'facts';
      readonly flag: boolean;
      readonly word: string;
      readonly number: number;
      readonly words: readonly string[];
    }
  | { readonly kind: 'failed' | 'timed_out' };
interface World {
  readonly ends: { readonly [check in CheckName]: End };
  readonly subject: string;
}
type Truth = 'yes' | 'no' | 'unknown';
const truth = (said: boolean): Truth => (said ? 'yes' : 'no');

function judge(tree: Tree, world: World, score: number): Truth {
  switch (tree.op) {
    case 'true':
      return 'yes';
    case 'score':
      return truth(score >= 2);
    case 'header':
      return truth(world.subject.includes('win'));
    case 'define':
      return judge(DEFINE, world, score);
    case 'not': {
      const of = judge(tree.of, world, score);
      return of === 'unknown' ? of : truth(of === 'no');
    }
    case 'and':
      return every([judge(tree.left, world, score), judge(tree.right, world, score)]);
    case 'or':
      return some([judge(tree.left, world, score), judge(tree.right, world, score)]);
    case 'if': {
      const of = judge(tree.test, world, score);
      return of === 'unknown' ? of : judge(of === 'yes' ? tree.yes : tree.no, world, score);
    }
    default: {
      const end = world.ends[tree.check];
      if (tree.op === 'status') return truth(end.kind === 'failed');
      if (tree.op === 'known') return truth(end.kind === 'facts');
      if (end.kind !== 'facts') return 'unknown';
      if (tree.op === 'flag') return truth(end.flag);
      if (tree.op === 'word') return truth(end.word === 'yes');
      return truth(tree.op === 'number' ? end.number > 2 : end.words.includes('a'));
    }
  }
}
const every = (parts: readonly Truth[]): Truth =>
  parts.includes('no') ? 'no' : parts.includes('unknown') ? 'unknown' : 'yes';
const some = (parts: readonly Truth[]): Truth =>
  parts.includes('yes') ? 'yes' : parts.includes('unknown') ? 'unknown' : 'no';

// ── The language, once ──

const facts = z.object({
  flag: z.boolean(),
  word: z.enum(['yes', 'no']),
  number: z.number(),
  words: z.array(z.string()),
});
const specOf = (name: string) => ({ name, facts }) as unknown as CheckSpec;
const roots = new Map(
  [...edgeRoots(), ...CHECKS.map((name) => checkRoot(specOf(name), name, 'rcpt', 'recipient', false))].map((root) => [
    root.name,
    root,
  ]),
);
const names = namesOf(roots, new Set(['either']), new Map());
const vocabulary: Vocabulary = { names, catalog: new Map(), instances: new Map() };
const find = patternFinder();
const compiler: Compiler = {
  env: environmentOf(roots.values(), () => false, find),
  find,
  names,
  defines: new Map(),
  asides: new Map(),
};
function compile(text: string): Expression {
  const compiled = compileExpression(compiler, text, 'bool');
  if (compiled.kind === 'bad') throw new Error(`${text}: ${JSON.stringify(compiled.flaws)}`);
  return compiled.expression;
}
const either = compile(write(DEFINE));
compiler.env.registerVariable('either', 'bool');
compiler.defines.set('either', either);
const ground: Ground = {
  compiler,
  lists: new Map(),
  tenantLists: new Map(),
  tables: {},
  services: {},
  instances: new Map(),
  settings: () => ({ values: {}, places: {}, tenant: '' }),
};

// ── Random policies ──

const check = fc.constantFrom(...CHECKS);
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree; leaf: Tree; branch: Tree }>((tie) => ({
  leaf: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constantFrom('flag' as const, 'word' as const, 'number' as const), check }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ op: fc.constantFrom('status' as const, 'known' as const, 'element' as const), check }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constantFrom('header' as const, 'define' as const, 'true' as const, 'score' as const),
      }),
    },
  ),
  branch: fc.oneof(
    fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
    fc.record({ op: fc.constantFrom('and' as const, 'or' as const), left: tie('tree'), right: tie('tree') }),
    fc.record({ op: fc.constant('if' as const), test: tie('tree'), yes: tie('tree'), no: tie('tree') }),
  ),
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('branch')),
})).tree;

/** Compiled once, drawn from for every policy. */
const POOL = fc.sample(tree, 1500).map((of) => ({ of, expression: compile(write(of)) }));

const said = (text: string) => parseTemplate(text, names).template;
const ACTIONS: readonly Action[] = [
  { kind: 'reject', code: 550, enhanced: '5.7.1', text: said('no'), help: undefined, speak: 'rcpt' },
  {
    kind: 'reject',
    code: 554,
    enhanced: '5.7.1',
    text: said('no, {alpha.word} {client.ip}'),
    help: said('{beta.number}'),
    speak: 'rcpt',
  },
  { kind: 'defer', code: 450, enhanced: '4.7.1', text: said('later'), help: undefined, speak: 'rcpt' },
  { kind: 'quarantine', class: 'spam', reason: said('{gamma.words}') },
  { kind: 'hold', reason: said('held') },
  { kind: 'accept' },
  { kind: 'allow', skip: ['spam'] },
  { kind: 'allow', skip: ['reputation', 'dmarc'] },
  { kind: 'add_header', name: 'X-Test', value: said('{delta.number}') },
  { kind: 'score', score: 1.5 },
  { kind: 'route', route: 'store' },
  { kind: 'note', text: said('{beta.word}') },
];

interface Part {
  readonly all: readonly number[];
  readonly any: readonly number[];
  readonly none: readonly number[];
  readonly action: number;
  readonly group: string;
  readonly mode: 'enforce' | 'monitor' | 'soft';
}
const entry = fc.nat(POOL.length - 1);
const part: fc.Arbitrary<Part> = fc.record({
  all: fc.array(entry, { maxLength: 2 }),
  any: fc.array(entry, { maxLength: 2 }),
  none: fc.array(entry, { maxLength: 2 }),
  action: fc.nat(ACTIONS.length - 1),
  group: fc.constantFrom('', '', 'spam', 'reputation', 'malware'),
  mode: fc.constantFrom(
    'enforce' as const,
    'enforce' as const,
    'enforce' as const,
    'monitor' as const,
    'soft' as const,
  ),
});
const onError: fc.Arbitrary<OnError> = fc.constantFrom<OnError>(
  { kind: 'skip' },
  { kind: 'skip' },
  { kind: 'defer' },
  { kind: 'quarantine' },
  { kind: 'deferThenQuarantine', span: 1000 },
);
const end: fc.Arbitrary<End> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('facts' as const),
      flag: fc.boolean(),
      word: fc.constantFrom('yes', 'no'),
      number: fc.nat(4),
      words: fc.subarray(['a', 'b']),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('failed' as const, 'timed_out' as const) }) },
);
const sample = fc.record({
  parts: fc.array(part, { maxLength: 6 }),
  onErrors: fc.tuple(onError, onError, onError, onError),
  ends: fc.record({ alpha: end, beta: end, gamma: end, delta: end }),
  subject: fc.constantFrom('you win', 'hello'),
  order: fc.shuffledSubarray([...CHECKS], { minLength: CHECKS.length }),
  local: fc.constantFrom('bob', 'bob', 'Postmaster', 'abuse+x'),
  otherwise: fc.constantFrom('accept' as const, 'defer' as const),
});
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function policyOf({ parts, onErrors, otherwise }: Sample): Askable {
  const rules = parts.map((from, index): Rule => {
    const condition = {
      all: from.all.map((n) => POOL[n]!.expression),
      any: from.any.map((n) => POOL[n]!.expression),
      none: from.none.map((n) => POOL[n]!.expression),
    };
    const action = ACTIONS[from.action]!;
    return {
      info: {
        ...{ index, name: `rule-${index}`, group: from.group, stage: 'content', mode: from.mode, action: action.kind },
        ...{ place: { file: '', line: 1, column: 1 }, condition: '', reads: [] },
      },
      condition,
      action,
      checks: instancesRead(
        [...condition.all, ...condition.any, ...condition.none].flatMap(({ reads }) => reads),
        vocabulary,
      ),
    };
  });
  const checks = CHECKS.map(
    (name, n): CheckInstance => ({
      ...{ name, check: name, stage: 'rcpt', scope: 'recipient', timeout: 1, after: [], options: {}, absent: {} },
      ...{ onError: onErrors[n]!, speaksAt: 'content', place: { file: '', line: 1, column: 1 } },
    }),
  );
  return { ground, rules, checks, mode: 'enforce', otherwise };
}

/** What can be seen once these checks have ended. */
function situationOf(from: Sample, ended: readonly CheckName[]): Situation {
  const known: { [root: string]: FactValue } = {
    now: 1_800_000_000,
    client: { ip: '192.0.2.1', port: 25, network: '192.0.2.0/24', name: '', private: false, user: '', trusted: false },
    recipient: {
      address: `${from.local}@example.com`,
      local: from.local,
      domain: 'example.com',
      tag: '',
      hosted: true,
      result: 'known',
      source: '',
      route: '',
    },
  };
  const pending = new Set<string>(CHECKS);
  const unknown = new Map<string, 'failed' | 'timed_out'>();
  for (const name of ended) {
    pending.delete(name);
    const { kind, ...values } = from.ends[name];
    if (kind === 'facts') known[name] = { ...values, status: 'completed' };
    else unknown.set(name, kind);
  }
  return {
    view: { known, pending, unknown },
    header: { values: (name) => (name === 'subject' ? [from.subject] : []) },
    calls: {},
  };
}

const START: Carry = NOTHING_CARRIED;

/** `toEqual` tells well and compares slowly: it is asked only to tell. */
function same(a: unknown, b: unknown): void {
  if (!isDeepStrictEqual(a, b)) expect(a).toEqual(b);
}

function decidedAtOnce(policy: Askable, from: Sample): Decision {
  const asked = ask(policy, 'content', situationOf(from, CHECKS), START);
  if (asked.kind !== 'decided') throw new Error(`pending with nothing pending: ${asked.waitFor.join()}`);
  return asked.decision;
}

/** As `expect`, for what is asked a million times. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it must be that ${what}`);
}

/** Asked again and again while checks end one after another: pending, or what it will be in the end. */
function inAnyOrder(policy: Askable, from: Sample, final: Decision): void {
  for (let n = 0; n < CHECKS.length; n++) {
    const ended: readonly string[] = from.order.slice(0, n);
    const asked: Asked = ask(policy, 'content', situationOf(from, from.order.slice(0, n)), START);
    if (asked.kind === 'decided') same(asked.decision, final);
    else {
      must(asked.waitFor.length > 0, 'something is waited for');
      must(!asked.waitFor.some((name) => ended.includes(name)), 'what is waited for has not ended');
    }
  }
}

/** How often each case came up, so that the sentence is about something. */
const seen = {
  spitesUnknownException: 0,
  quietOnUnknown: 0,
  permitQuietOnUnknownException: 0,
  spoke: 0,
  passedOver: 0,
};

/** Every rule of the trace against the three-valued truth of its trees. */
function onTheCarefulSide(from: Sample, { trace, disposition, outages }: Decision): void {
  const isPostmaster = /^(postmaster|abuse)/i.test(from.local);
  const skipped = new Set<string>(isPostmaster ? ['reputation', 'greylist', 'spam', 'dmarc'] : []);
  let score = 0;
  let ended = false;
  for (const [index, written] of from.parts.entries()) {
    const asked = trace.find(({ rule }) => rule === index);
    if (ended) {
      must(asked === undefined, 'no rule is asked below the one that ended the stage');
      continue;
    }
    if (written.group !== '' && skipped.has(written.group)) {
      seen.passedOver++;
      must(asked?.came === 'passedOver', 'a rule of a skipped group is passed over');
      continue;
    }
    const action = ACTIONS[written.action]!;
    const parts = (which: readonly number[]) => which.map((n) => judge(POOL[n]!.of, from, score));
    const condition = every([every(parts(written.all)), written.any.length === 0 ? 'yes' : some(parts(written.any))]);
    const exception = some(parts(written.none));
    const held = asked?.came === 'held' || asked?.came === 'softened' || asked?.came === 'would';
    if (condition === 'unknown') must(!held, 'no rule holds on an unknown condition');
    else if (exception === 'unknown' && permits(action)) must(!held, 'a permitting rule holds on nothing unknown');
    else if (exception === 'unknown') must(held === (condition === 'yes'), 'an unknown exception excuses nothing');
    else must(held === (condition === 'yes' && exception === 'no'), 'what is known is obeyed');
    if (condition === 'unknown' && exception === 'no' && !permits(action)) seen.quietOnUnknown++;
    if (condition === 'yes' && exception === 'unknown') {
      if (permits(action)) seen.permitQuietOnUnknownException++;
      else seen.spitesUnknownException++;
    }
    if (!held || written.mode === 'monitor') continue;
    if (action.kind === 'score') score += action.score;
    if (action.kind === 'allow') for (const group of action.skip) skipped.add(group);
    ended = ['reject', 'defer', 'quarantine', 'hold', 'accept'].includes(action.kind);
  }
  const spoke = outages.some((outage) => outage.spoke);
  if (spoke) seen.spoke++;
  must(!(spoke && ended), 'an outage speaks only where no written rule has ended the matter');
  if (disposition.kind !== 'continue' && disposition.by.startsWith('on_error:'))
    must(spoke, 'an outage that speaks is on record');
}

describe(`decisions over ${RUNS} random policies and facts`, () => {
  test('do not depend on the order in which checks finish; restricting rules never hold on what is unknown nor are excused by it, permitting ones hold on nothing unknown', () => {
    fc.assert(
      fc.property(sample, (from) => {
        const policy = policyOf(from);
        const final = decidedAtOnce(policy, from);
        inAnyOrder(policy, from, final);
        onTheCarefulSide(from, final);
      }),
      { numRuns: RUNS },
    );
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(50);
  }, 120_000);

  test('come out the same from the answers that a record keeps, without the message', () => {
    fc.assert(
      fc.property(sample, (from) => {
        const policy = policyOf(from);
        const final = decidedAtOnce(policy, from);
        const kept = { ...situationOf(from, CHECKS), header: undefined, calls: final.calls };
        same(ask(policy, 'content', kept, START), { kind: 'decided', decision: final });
      }),
      { numRuns: 2000 },
    );
  }, 60_000);
});
