/** `postern check`: everything that is wrong with configuration and policies, at once. */
import type { Command } from 'commander';
import type { Problem } from '../language/problem.ts';
import { lint, lintOutages } from '../policy/lint.ts';
import { jsonText } from '../record/jsonl.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { count, isSound, sayProblems } from './sound.ts';
import type { CliWorld } from './world.ts';

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
    return `\`serve\` refuses ${config}: ${count(notYet.length, 'part')} of it ${notYet.length === 1 ? 'has' : 'have'} not come yet${also}`;
  const parts = [
    count(installation.listeners.length, 'listener'),
    count(installation.domains.size, 'domain'),
    ...[...policies.values()].map((policy) => `policy ${policy.name} (${count(policy.rules.length, 'rule')})`),
  ];
  return `${config} is fine: ${parts.join(', ')}${also}`;
}
