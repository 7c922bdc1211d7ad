/** `postern schema`: JSON Schema of each kind of file, and the pages of the reference, printed, written or compared. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { CHECKS } from '../checks/registry.ts';
import { jsonText } from '../record/jsonl.ts';
import { act, CliError, command, FINE, NO, type Shell, USAGE } from './command.ts';
import { anomaliesPage } from './reference/anomalies-page.ts';
import { builtinPage } from './reference/builtin-page.ts';
import { checksPage } from './reference/checks-page.ts';
import { commandsPage } from './reference/commands-page.ts';
import { configurationPage, policyTestsPage } from './reference/configuration-page.ts';
import { factsPage } from './reference/facts-page.ts';
import { KINDS, SCHEMA_FILES, schemaOf } from './schemas.ts';
import type { CliWorld } from './world.ts';

/** `program` is what the page of commands tells. */
export const schemaCommand = (shell: Shell, program: () => Command): Command =>
  command('schema', {
    about: 'Prints the JSON Schema of each kind of file, for editors; or writes them, with the pages of the reference.',
    examples: [
      ['schema', 'all, as one JSON object by kind'],
      ['schema policy', 'one: installation, policy, included, tests'],
      ['schema --write policies/schema', 'a file each'],
      ['schema --write policies/schema --reference docs/reference --check', 'exit 1 when what is written is stale'],
    ],
  })
    .argument('[kind]', KINDS.join(', '))
    .option('--json', 'as always: a schema is JSON')
    .option('--write <dir>', 'write the schemas into this folder')
    .option('--reference <dir>', 'write the pages of the reference into this folder')
    .option('--check', 'write nothing; compare, and exit 1 when something is stale')
    .action(
      act(shell, (world: CliWorld, kind: string | undefined, options: Options) =>
        schema(world, kind, options, program),
      ),
    );

interface Options {
  readonly write?: string;
  readonly reference?: string;
  readonly check?: boolean;
}

async function schema(
  world: CliWorld,
  kind: string | undefined,
  { write, reference, check }: Options,
  program: () => Command,
): Promise<number> {
  const files = filesFor(write, reference, program);
  if (files.length > 0) return check ? compare(world, files) : writeAll(world, files);
  if (check) throw new CliError('--check compares what --write and --reference name: give one of them', USAGE);
  const one = KINDS.find((name) => name === kind);
  if (kind !== undefined && one === undefined)
    throw new CliError(`there is no kind of file "${kind}": ${KINDS.join(', ')}`, USAGE);
  const all = Object.fromEntries(KINDS.map((name) => [name, schemaOf(name)]));
  await world.out(jsonText(one === undefined ? all : all[one]));
  return FINE;
}

interface Made {
  readonly path: string;
  readonly text: string;
}

function filesFor(write: string | undefined, reference: string | undefined, program: () => Command): readonly Made[] {
  const schemas =
    write === undefined
      ? []
      : KINDS.map((kind) => ({ path: join(write, SCHEMA_FILES[kind]), text: jsonText(schemaOf(kind)) }));
  if (reference === undefined) return schemas;
  const pages = {
    'facts.md': factsPage(CHECKS),
    'checks.md': checksPage(CHECKS),
    'configuration.md': configurationPage(schemaOf('installation')),
    'policy-tests.md': policyTestsPage(schemaOf('tests')),
    'commands.md': commandsPage(program()),
    'builtin.md': builtinPage(),
    'anomalies.md': anomaliesPage(),
  };
  return [...schemas, ...Object.entries(pages).map(([name, text]) => ({ path: join(reference, name), text }))];
}

async function writeAll(world: CliWorld, files: readonly Made[]): Promise<number> {
  for (const { path, text } of files) {
    await world.writeText(path, text);
    await world.out(`${path}\n`);
  }
  return FINE;
}

async function compare(world: CliWorld, files: readonly Made[]): Promise<number> {
  const stale: string[] = [];
  for (const { path, text } of files) if ((await present(world, path)) !== text) stale.push(path);
  for (const path of stale) await world.err(`${path} is stale: run \`npm run generate\`\n`);
  return stale.length === 0 ? FINE : NO;
}

/** A file that cannot be read is not what it should be either. */
const present = (world: CliWorld, path: string): Promise<string | undefined> =>
  world.readText(path).catch(() => undefined);
