/** One check from its start to its end: guard, inputs, deadline, and a named end whatever happens. */
import type { Check, MessageView } from '../checks/define.ts';
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Inside } from '../mime/inside.ts';
import { visibleText } from '../mime/visible-text.ts';
import type { FactValue } from '../policy/facts.ts';
import { MessageText } from '../policy/message-text.ts';
import type { CheckInstance, Policy, Situation } from '../policy/policy.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { Services } from '../ports/services.ts';
import type { DnsEvidence } from '../record/record.ts';
import { factViewOf } from './derived-facts.ts';
import { silenceOf } from './given-answers.ts';
import type { Ended, Ledger } from './ledger.ts';
import type { World } from './world.ts';

/** The place a check runs in. */
export interface Bench {
  readonly world: World;
  readonly policy: Policy;
  readonly hostname: string;
  readonly limits: { readonly signatures: number };
  readonly services: Services;
  /** Whose record it is, and for whom: all who take part, or the one the ledger is of. */
  readonly envelope: { readonly id: string; readonly recipients: readonly string[] };
  readonly ledger: Ledger;
  readonly now: Timestamp;
  readonly helo: { readonly verb: 'HELO' | 'EHLO' | ''; readonly name: string };
  readonly message: MessageView | undefined;
}

/** Never rejects: a fault of our own, too, is a check that failed, and the policy says what that means. */
export async function runCheck(instance: CheckInstance, bench: Bench, budget: Millis): Promise<Ended> {
  const end = ending(instance);
  try {
    return await run(instance, bench, budget, end);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    bench.world.log.error('check.fault', { check: instance.name, error: why });
    return end('failed', {}, why);
  }
}

async function run(
  instance: CheckInstance,
  bench: Bench,
  budget: Millis,
  end: ReturnType<typeof ending>,
): Promise<Ended> {
  const { world, ledger } = bench;
  const check = world.checks.get(instance.check);
  for (const name of instance.after) {
    await ledger.running(name);
    const status = ledger.ended(name)?.status;
    if (check?.bearsSilence === true) continue;
    if (status === 'failed' || status === 'timed_out')
      return end('failed', {}, `needs ${name}, which ${status === 'failed' ? 'failed' : 'timed out'}`);
  }
  const prepared = await prepare(instance, bench);
  if (prepared.kind === 'skip') return end('skipped', instance.absent, 'guard');
  if (prepared.kind === 'fail') return end('failed', {}, prepared.why);
  const answer = world.rehearsal?.answers[instance.name];
  const silence = answer === undefined ? undefined : silenceOf(answer);
  if (silence !== undefined) return end(silence, {}, 'answer given', prepared.inputs);
  if (answer !== undefined) return end('completed', { ...instance.absent, ...answer }, 'answer given', prepared.inputs);
  if (check?.service !== undefined && world.rehearsal?.live === false)
    return end('skipped', instance.absent, 'not asked', prepared.inputs);
  if (check === undefined)
    throw new RangeError(`Cannot run check "${instance.name}" as "${instance.check}" must be registered: it is not`);

  const dns: DnsEvidence[] = [];
  const evidence: { [name: string]: FactValue } = {};
  const started = world.clock.elapsed();
  const result = await withDeadline(
    instance,
    check,
    prepared.options,
    bench,
    Math.min(instance.timeout, budget),
    dns,
    evidence,
  );
  const took = Math.round((world.clock.elapsed() - started) * 100) / 100;
  switch (result.kind) {
    case 'facts':
      return end('completed', result.facts, '', prepared.inputs, took, dns, evidence);
    case 'late':
      return end(
        'timed_out',
        {},
        `no answer within ${Math.min(instance.timeout, budget)} ms`,
        prepared.inputs,
        took,
        dns,
        evidence,
      );
    case 'threw':
      world.log.warn('check.failed', { check: instance.name, error: result.error });
      return end('failed', {}, result.error, prepared.inputs, took, dns, evidence);
  }
}

async function prepare(instance: CheckInstance, bench: Bench) {
  for (;;) {
    const prepared = bench.policy.prepare(instance, situationOf(bench));
    if (prepared.kind !== 'pending') return prepared;
    const waits = prepared.waitFor.map((name) => bench.ledger.running(name)).filter((wait) => wait !== undefined);
    if (waits.length === 0)
      throw new RangeError(
        `Cannot prepare check "${instance.name}" as what it waits for must run: ${prepared.waitFor.join(', ')} do not`,
      );
    await Promise.race(waits);
  }
}

/** What a person reads and, of HTML, what it is written as. One for a message: each pattern is looked for once, however many ask. */
function textOf(inside: Inside | undefined): MessageText | undefined {
  if (inside === undefined) return undefined;
  const known = TEXTS.get(inside);
  if (known !== undefined) return known;
  const { texts } = inside;
  const text = new MessageText(() => [
    ...texts.map((one) => (one.html ? visibleText(one.text) : one.text)),
    ...texts.flatMap((one) => (one.html ? [one.text] : [])),
  ]);
  TEXTS.set(inside, text);
  return text;
}
const TEXTS = new WeakMap<Inside, MessageText>();

export function situationOf(bench: Pick<Bench, 'policy' | 'ledger' | 'message'>): Situation {
  return {
    view: factViewOf(bench.ledger, bench.policy),
    header: bench.message?.header,
    text: textOf(bench.message?.inside),
    calls: {},
  };
}

/**
 * How much of a check's time DNS may take. What is not answered by then is not answered: the check ends with what it knows.
 * Else whoever runs slow name servers decides which checks have a result at all.
 */
const DNS_SHARE = 0.6;

/** The cut comes before the end, so it stands for both. */
function untilCut(resolver: Resolver, end: AbortSignal, cut: AbortSignal): Resolver {
  const until = (signal: AbortSignal): AbortSignal => (signal === end ? cut : AbortSignal.any([signal, cut]));
  return { resolve: (name, type, signal) => resolver.resolve(name, type, until(signal)) };
}

type Result =
  | { readonly kind: 'facts'; readonly facts: { readonly [fact: string]: FactValue } }
  | { readonly kind: 'late' }
  | { readonly kind: 'threw'; readonly error: string };

async function withDeadline(
  instance: CheckInstance,
  check: Check,
  options: { readonly [name: string]: unknown },
  bench: Bench,
  budget: Millis,
  dns: DnsEvidence[],
  evidence: { [name: string]: FactValue },
): Promise<Result> {
  const { world, ledger } = bench;
  const stop = new AbortController();
  const unanswered = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Result>((resolve) => {
    const end = (): void => {
      resolve({ kind: 'late' });
      stop.abort(new Error('deadline'));
    };
    timer = setTimeout(() => {
      timer = setTimeout(end, budget * (1 - DNS_SHARE));
      unanswered.abort(new Error('DNS took its share of the time'));
    }, budget * DNS_SHARE);
  });
  const work = check
    .run({
      instance: { name: instance.name, policy: bench.policy.name },
      facts: factViewOf(ledger, bench.policy).known,
      options: options as never,
      helo: bench.helo,
      now: bench.now,
      hostname: bench.hostname,
      resolver: untilCut(ledger.notebook.resolver(world.resolver, dns), stop.signal, unanswered.signal),
      state: world.state,
      services: bench.services,
      envelope: bench.envelope,
      limits: bench.limits,
      message: bench.message,
      evidence: (name, value) => {
        evidence[name] = value;
      },
      signal: stop.signal,
    })
    .then(
      (facts): Result => ({ kind: 'facts', facts }),
      (error: unknown): Result => ({ kind: 'threw', error: error instanceof Error ? error.message : String(error) }),
    );
  const result = await Promise.race([work, late]);
  clearTimeout(timer);
  return result;
}

const ending =
  (instance: CheckInstance) =>
  (
    status: Ended['status'],
    facts: Ended['facts'],
    why: string,
    inputs: { readonly [name: string]: FactValue } = {},
    took: Millis = 0,
    dns: readonly DnsEvidence[] = [],
    evidence: { readonly [name: string]: FactValue } = {},
  ): Ended => ({
    status,
    facts,
    run: { name: instance.name, check: instance.check, stage: instance.stage, status, why, inputs, took, evidence },
    dns,
  });
