/** One round of questions: expressions answered over what a situation knows, each with a value, `pending` or `unknown`. */
import { EvaluationError } from '@marcbachmann/cel-js';
import { seconds } from '../mail/time.ts';
import { inCel } from './cel-names.ts';
import { LIST_TYPES, type NamedList } from './environment.ts';
import type { Compiler, Expression, NamedAside } from './expression.ts';
import type { Read } from './expression-walk.ts';
import type { FactValue } from './facts.ts';
import type { List, ResolvedSettings, Situation } from './policy.ts';

/** What the expressions of one policy may look at besides facts. */
export interface Ground {
  readonly compiler: Compiler;
  readonly lists: ReadonlyMap<string, List>;
  /** By tenant; every tenant has every name, with an empty list where it wrote none. */
  readonly tenantLists: ReadonlyMap<string, ReadonlyMap<string, List>>;
  readonly tables: { readonly [name: string]: { readonly [key: string]: FactValue } };
  /** Which daemons are configured. */
  readonly services: { readonly [name: string]: boolean };
  /** The instance that states what a fact `needs`, by the check's name. */
  readonly instances: ReadonlyMap<string, string>;
  settings(recipient: string, domain: string): ResolvedSettings;
}

export type Answer =
  | { readonly kind: 'value'; readonly value: FactValue }
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] }
  /** `checks` are those whose failure it reads; none where the expression itself cannot be answered (an index beyond a list). */
  | { readonly kind: 'unknown'; readonly checks: readonly string[] };

/** Bounds of what a header function answers, so that a record stays small and replay sees the same. */
const HEADER_TEXT_MAX = 2000;
const HEADER_FIELDS_MAX = 100;

const WHO = Symbol('who asks');
type Context = { [name: string]: unknown; [WHO]?: Asking };

/** What stands beside facts, found when it is first read: lists, defines, and what is answered beside expressions. */
const prototypes = new WeakMap<Ground, object>();

function prototypeOf(ground: Ground): object {
  const known = prototypes.get(ground);
  if (known !== undefined) return known;
  // Of nobody's making: a check may be called `constructor`.
  const prototype: object = Object.create(null);
  const lazily = (name: string, find: (asking: Asking, context: Context) => unknown): void => {
    Object.defineProperty(prototype, name, {
      get(this: Context) {
        const value = find(this[WHO]!, this);
        Object.defineProperty(this, name, { value });
        return value;
      },
    });
  };
  lazily('lists', (asking) => asking.named(ground.lists));
  lazily('tenant_lists', (asking, { tenant }) =>
    asking.named(ground.tenantLists.get(String(tenant ?? '')) ?? new Map()),
  );
  for (const [name, expression] of ground.compiler.defines) lazily(name, (asking) => asking.define(expression));
  for (const aside of ground.compiler.asides.values()) lazily(aside.variable, (asking) => asking.aside(aside));
  prototypes.set(ground, prototype);
  return prototype;
}

export class Asking {
  readonly #ground: Ground;
  readonly #situation: Situation;
  readonly #context: Context;
  readonly #calls: { [call: string]: FactValue } = {};

  constructor(ground: Ground, situation: Situation, score: number) {
    this.#ground = ground;
    this.#situation = situation;
    this.#context = this.#contextOf(score);
  }

  /** `total.score` as it stands for the rules below. */
  set score(score: number) {
    this.#context.total = { score };
  }

  answer(expression: Expression): Answer {
    for (const variable of expression.asides) this.#record(variable);
    if (expression.strict) {
      // Nothing in it absorbs what is not there: no need to run into it.
      const waitFor = this.pendingOf(expression.reads);
      if (waitFor.length > 0) return { kind: 'pending', waitFor };
    }
    try {
      const value = quietly(() => expression.run(this.#context));
      return { kind: 'value', value: typeof value === 'bigint' ? Number(value) : (value as FactValue) };
    } catch (error) {
      // Absent facts throw, and so do an index beyond a list and a key that no table has.
      if (!(error instanceof EvaluationError)) throw error;
      const waitFor = this.pendingOf(expression.reads);
      return waitFor.length > 0
        ? { kind: 'pending', waitFor }
        : { kind: 'unknown', checks: this.failedOf(expression.reads) };
    }
  }

  /** Instances that have not ended and state something of these. */
  pendingOf(reads: readonly Read[]): string[] {
    const { pending } = this.#situation.view;
    return this.#statedBy(reads).filter((instance) => pending.has(instance));
  }

  /** Instances that failed and state something of these. */
  failedOf(reads: readonly Read[]): string[] {
    const { unknown } = this.#situation.view;
    return this.#statedBy(reads).filter((instance) => unknown.has(instance));
  }

  /** The value of a fact; undefined where it is not known. */
  fact(read: Read): FactValue | undefined {
    let value = this.#context[read.root] as FactValue | undefined;
    for (const step of read.path) value = isGroup(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    return value;
  }

  /** What header functions answered so far, by canonical call. */
  get calls(): { readonly [call: string]: FactValue } {
    return this.#calls;
  }

  /** Who states these: the root's own check, and the check that a fact of the edge needs while it is not there. */
  #statedBy(reads: readonly Read[]): string[] {
    const found = new Set<string>();
    for (const read of reads) {
      found.add(read.root);
      const needs = read.type.about.needs;
      const instance = needs === undefined ? undefined : this.#ground.instances.get(needs);
      if (instance !== undefined && this.fact(read) === undefined) found.add(instance);
    }
    return [...found];
  }

  #contextOf(score: number): Context {
    const { view } = this.#situation;
    const context = Object.create(prototypeOf(this.#ground)) as Context;
    Object.assign(context, view.known);
    context[WHO] = this;
    context.total = { score };
    context.tables = this.#ground.tables;
    context.services = this.#ground.services;
    for (const [root, status] of view.unknown) context[root] = { status };
    const { mail, recipient } = view.known;
    if (isGroup(mail) && mail.null !== undefined) context.mail = { ...mail, [inCel('null')]: mail.null };
    if (isGroup(recipient) && (context.settings === undefined || context.tenant === undefined)) {
      const resolved = this.#ground.settings(String(recipient.address), String(recipient.domain));
      context.settings ??= resolved.values;
      context.tenant ??= resolved.tenant;
    }
    return context;
  }

  /** Lists by name as expressions see them, at the record's time; undefined where that is not known. */
  named(lists: ReadonlyMap<string, List>): { [name: string]: NamedList } | undefined {
    const now = this.#situation.view.known.now;
    if (typeof now !== 'number') return undefined;
    return Object.fromEntries([...lists].map(([name, list]) => [name, new LIST_TYPES[list.kind](list, seconds(now))]));
  }

  /** Undefined makes whoever reads it pending or unknown, as its own reads say. */
  define(expression: Expression): unknown {
    const answer = this.answer(expression);
    return answer.kind === 'value' ? answer.value : undefined;
  }

  aside(aside: NamedAside): FactValue | undefined {
    if (aside.kind === 'known') {
      const read = aside.read!;
      if (this.#situation.view.unknown.has(read.root) && read.path[0] !== 'status') return false;
      if (this.fact(read) !== undefined) return true;
      return this.pendingOf([read]).length > 0 ? undefined : false;
    }
    const kept = this.#situation.calls[aside.call];
    return kept ?? this.#callOver(aside);
  }

  #callOver(aside: NamedAside): FactValue | undefined {
    const of = aside.header;
    const { header, texts } = this.#situation;
    const { find } = this.#ground.compiler;
    if (of?.kind === 'body') return texts?.().some((text) => find(of.pattern, text));
    if (header === undefined || of === undefined) return undefined;
    const values = header.values(of.field.toLowerCase());
    const bounded = values.slice(0, HEADER_FIELDS_MAX).map((value) => value.slice(0, HEADER_TEXT_MAX));
    if (of.kind === 'every') return bounded;
    return of.kind === 'first' ? (bounded[0] ?? '') : find(of.pattern, bounded[0] ?? '');
  }

  /** Kept for every call of an expression that was asked, needed or not, so that what is kept does not depend on timing. */
  #record(variable: string): void {
    const aside = this.#ground.compiler.asides.get(variable);
    if (aside?.kind !== 'call') return;
    const value = this.#context[variable] as FactValue | undefined;
    if (value !== undefined) this.#calls[aside.call] = value;
  }
}

/** Running into an absent fact is ordinary here, and a stack that nobody reads costs more than the whole expression. */
function quietly<T>(work: () => T): T {
  const stacks = Error as { stackTraceLimit?: number };
  const limit = stacks.stackTraceLimit ?? 0;
  stacks.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    stacks.stackTraceLimit = limit;
  }
}

const isGroup = (value: FactValue | undefined): value is { readonly [name: string]: FactValue } =>
  typeof value === 'object' && !Array.isArray(value);
