/** Configuration that has to be sound before a command can go on. */
import type { Installation } from '../config/installation.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import { terminal } from '../record/terminal.ts';
import { CliError } from './command.ts';
import type { CliWorld, Loaded, Sound } from './world.ts';

/** Only what asks the world needs its secrets. */
export async function loadSound(world: CliWorld, config: string, secrets = false): Promise<Sound> {
  const loaded = await world.load(config, { secrets });
  if (isSound(loaded)) return loaded;
  const errors = loaded.problems.filter(({ severity }) => severity === 'error');
  await world.err(sayProblems(errors));
  throw new CliError(`${config} has ${count(errors.length, 'error')}; \`postern check\` lists every problem`);
}

/** The installation alone, for what is done to a running gateway: a policy that is broken on disk must not keep a person from it. */
export async function loadInstallation(world: CliWorld, config: string): Promise<Installation> {
  const { installation, problems } = await world.load(config, { secrets: false });
  if (installation !== undefined) return installation;
  const errors = problems.filter(({ severity }) => severity === 'error');
  await world.err(sayProblems(errors));
  throw new CliError(`${config} has ${count(errors.length, 'error')}; \`postern check\` lists every problem`);
}

export const isSound = (loaded: Loaded): loaded is Sound =>
  loaded.installation !== undefined && loaded.problems.every(({ severity }) => severity !== 'error');

export const sayProblems = (problems: readonly Problem[]): string =>
  terminal(problems.flatMap((problem) => sayProblem(problem).split('\n')));

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
