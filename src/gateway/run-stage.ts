/** One stage: its checks start together, its rules are asked over whatever is known, and wait only for what they read. */
import { type Millis, minutes, seconds } from '../mail/time.ts';
import type { Asked, Carry, Decision } from '../policy/disposition.ts';
import type { CheckInstance } from '../policy/policy.ts';
import type { Stage } from '../policy/stage.ts';
import { type Bench, runCheck, situationOf } from './run-check.ts';

/**
 * The longest a stage's checks may take together, whatever their own timeouts say. A client must wait five minutes for
 * most replies and ten for the one to the final dot (RFC 5321 §4.5.3.2): these stay well below, so that it hears us.
 */
const BUDGET: { readonly [stage in Stage]: Millis } = {
  connect: seconds(30),
  helo: seconds(30),
  mail: seconds(60),
  rcpt: seconds(60),
  data: minutes(2),
  content: minutes(5),
};

/** Starts the instances at this level. They go on behind; `ledger.quiet()` waits for them. */
export function startChecks(instances: readonly CheckInstance[], bench: Bench): void {
  const stage = instances[0]?.stage;
  if (stage === undefined) return;
  const started = bench.world.clock.elapsed();
  // All are known as running before the first one looks for those it waits for.
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  for (const instance of instances) {
    const work = gate.then(() =>
      runCheck(instance, bench, Math.max(1, BUDGET[stage] - (bench.world.clock.elapsed() - started))),
    );
    bench.ledger.begin(instance.name, work);
  }
  open();
}

/** Asks the stage's rules until they have decided, waiting only for the checks that still matter. */
export async function decideStage(stage: Stage, bench: Bench, carry: Carry): Promise<Decision> {
  for (;;) {
    const asked: Asked = bench.policy.ask(stage, situationOf(bench), carry);
    if (asked.kind === 'decided') return asked.decision;
    const waits = asked.waitFor.map((name) => bench.ledger.running(name)).filter((wait) => wait !== undefined);
    if (waits.length === 0)
      throw new RangeError(
        `Cannot decide stage "${stage}" as what its rules wait for must run: ${asked.waitFor.join(', ')} do not`,
      );
    await Promise.all(waits);
  }
}
