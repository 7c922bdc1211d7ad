/** `postern check`: everything that is wrong with configuration and policies, at once. */
import type { Command } from 'commander';
import type { Problem } from '../language/problem.ts';
import { lint, lintOutages } from '../policy/lint.ts';
import type { Override } from '../policy/override.ts';
import { jsonText } from '../record/jsonl.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { count, isSound, sayProblems } from './sound.ts';
import type { CliWorld, Loaded } from './world.ts';

export const checkCommand = (shell: Shell): Command =>
  printing('check', {
    about: 'Loads configuration and policies and reports every problem; exit 1 when `serve` would refuse to start.',
    examples: [
      ['check', 'everything, files of secrets included'],
      ['check --lint', 'also every rule whose outcome an outage would change'],
      ['check --no-secrets', 'in CI, where the secrets are not'],
      ['check --config /etc/postern/postern.yaml --json', 'for an editor or a pipeline'],
    ],
  })
    .option('--lint', 'list every rule whose outcome an outage would change')
    .option('--no-secrets', 'leave the files of secrets alone')
    .action(act(shell, check));

interface Options extends Common {
  readonly secrets: boolean;
  readonly lint?: boolean;
}

async function check(world: CliWorld, options: Options): Promise<number> {
  const loaded = await world.load(options.config, { secrets: options.secrets });
  const serves = isSound(loaded) && loaded.notYet.length === 0;
  const policies = [...loaded.policies.values()];
  const outages = policies.flatMap(lintOutages);
  const problems = [
    ...loaded.problems,
    ...policies.flatMap((policy) => lint(policy, world.now())),
    ...(await idleOverrides(world, loaded)),
    ...(options.lint ? outages : []),
  ];
  if (options.json) await world.out(jsonText({ ok: serves, problems, not_yet: loaded.notYet }));
  else {
    await world.out(sayProblems(problems));
    if (outages.length > 0 && !options.lint)
      await world.out(
        `an outage of a check would change ${count(outages.length, 'rule')}: \`postern check --lint\` lists them\n`,
      );
    await world.out(sayProblems(loaded.notYet));
    await world.out(`${sayOutcome(loaded, problems, options.config)}\n`);
  }
  return serves ? FINE : NO;
}

/** Brakes that brake nothing any more: the rule or check was renamed or taken out. */
async function idleOverrides(world: CliWorld, { installation, policies }: Loaded): Promise<readonly Problem[]> {
  if (installation === undefined || policies.size === 0) return [];
  const has = ({ kind, name, policy }: Override): boolean =>
    [...policies.values()].some(
      (one) =>
        (policy === '' || one.name === policy) &&
        (kind === 'rule' ? one.rules : one.checks).some((named) => named.name === name),
    );
  return (await world.overrides(installation))
    .filter((one) => one.until > world.now() && !has(one))
    .map(({ id, kind, name }) => ({
      place: { file: installation.file, line: 1, column: 1 },
      severity: 'warning',
      message: `override ${id} is on the ${kind} "${name}", which no policy has`,
      remedy: `end it with \`postern override end ${id}\`, or mend the name`,
      excerpt: '',
    }));
}

function sayOutcome(
  { installation, policies, notYet }: Awaited<ReturnType<CliWorld['load']>>,
  problems: readonly Problem[],
  config: string,
): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const also = warnings === 0 ? '' : `, ${count(warnings, 'warning')}`;
  if (errors > 0 || installation === undefined) return `${count(errors, 'error')}${also}`;
  if (notYet.length > 0)
    return `\`serve\` refuses ${config}: ${count(notYet.length, 'part')} of it ${notYet.length === 1 ? 'has nothing behind it' : 'have nothing behind them'}${also}`;
  const parts = [
    count(installation.listeners.length, 'listener'),
    count(installation.domains.size, 'domain'),
    ...[...policies.values()].map((policy) => `policy ${policy.name} (${count(policy.rules.length, 'rule')})`),
  ];
  return `${config} is fine: ${parts.join(', ')}${also}`;
}
