/** Answers that a person gives in place of a daemon: facts by check, from a YAML file. */
import { parseSource } from '../language/source.ts';
import type { Scenario } from '../record/scenario.ts';
import { CliError } from './command.ts';
import type { CliWorld } from './world.ts';

export async function readAnswers(world: CliWorld, file: string): Promise<NonNullable<Scenario['answers']>> {
  const { root, problems } = parseSource(file, await world.readText(file));
  const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (problems.length > 0 || !isMap(root) || !Object.values(root as object).every(isMap))
    throw new CliError(`${file} does not hold answers: write \`clamav: { result: clean }\`, a line for each check`);
  return root as NonNullable<Scenario['answers']>;
}
