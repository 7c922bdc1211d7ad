/** How every command is made: its options, its help with examples, and an action that answers an exit status. */
import { Command } from 'commander';
import type { CliWorld } from './world.ts';

/** What a command's action needs, and where it leaves its exit status. */
export interface Shell {
  readonly world: CliWorld;
  status: number;
}

/** Exit statuses (docs/promises.md §3). */
export const FINE = 0;
export const NO = 1;
export const USAGE = 2;

/** Ends a command with a message; `status` tells a refusal from a wrong use. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly status: number;
  constructor(message: string, status: number = NO) {
    super(message);
    this.status = status;
  }
}

export interface Common {
  readonly config: string;
  readonly json?: boolean;
}

export interface Words {
  /** One sentence. */
  readonly about: string;
  /** Command lines without `postern`, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
}

/** A command with `--config`. */
export const command = (name: string, words: Words): Command =>
  family(name, words).option('--config <file>', 'the installation', 'postern.yaml');

/** A command that only has others below it. */
export const family = (name: string, { about, examples }: Words): Command =>
  new Command(name).description(about).addHelpText('after', `\nExamples:\n${examplesText(examples)}`);

const TERMINAL = 80; // columns

/** Side by side where all of them fit, else what it does below each. */
export function examplesText(examples: Words['examples']): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  const beside = examples.map(([line, does]) => `  postern ${line.padEnd(width)}  # ${does}`);
  if (beside.every((line) => line.length <= TERMINAL)) return beside.join('\n');
  return examples.map(([line, does]) => `  postern ${line}\n      # ${does}`).join('\n');
}

/** The same with `--json`. */
export const printing = (name: string, words: Words): Command =>
  command(name, words).option('--json', 'print JSON, for other programs');

/** Takes the arguments as commander hands them over: positional ones, the options, the command itself. */
export function act<A extends unknown[]>(
  shell: Shell,
  action: (world: CliWorld, ...args: A) => Promise<number>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    shell.status = await action(shell.world, ...args);
  };
}
