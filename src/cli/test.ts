/** `postern test`: runs the policies' own unit tests, and says which rules no test has seen hold. */
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { CHECKS } from '../checks/registry.ts';
import { type LoadedTests, loadTests, type TestSetting } from '../gateway/testing/load-tests.ts';
import { runTests } from '../gateway/testing/run-tests.ts';
import { parseSource } from '../language/source.ts';
import { jsonText } from '../record/jsonl.ts';
import type { Zones } from '../record/scenario.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell, USAGE } from './command.ts';
import { loadSound, sayProblems } from './sound.ts';
import { sayReport } from './test-report.ts';
import type { CliWorld, Sound } from './world.ts';

export const testCommand = (shell: Shell): Command =>
  printing('test', {
    about: "Runs the policies' unit tests without a network; exit 1 when one fails.",
    examples: [
      ['test', 'all of policies/tests/*.yaml'],
      ['test policies/tests/inbound.yaml', 'one file'],
      ['test --min-coverage 100%', 'fail as well when a rule was never seen to hold'],
    ],
  })
    .argument('[files...]', 'files of tests (default: tests/*.yaml beside the policies)')
    .option('--min-coverage <share>', 'the least share of rules that must have held, as 100%')
    .action(act(shell, test));

interface Options extends Common {
  readonly minCoverage?: string;
}

async function test(world: CliWorld, files: readonly string[], options: Options): Promise<number> {
  const least = parseShare(options.minCoverage);
  const sound = await loadSound(world, options.config);
  const folder = join(sound.installation.policiesDir, 'tests');
  const chosen = files.length > 0 ? files : await testsIn(world, folder);
  if (chosen.length === 0) throw new CliError(`no tests in ${folder}: write one, or name its file`);
  const loaded = await Promise.all(chosen.map((file) => loadFile(world, file, sound)));
  const problems = loaded.flatMap((one) => one.problems);
  if (problems.length > 0) {
    await world.out(options.json ? jsonText({ ok: false, problems }) : sayProblems(problems));
    return NO;
  }
  const rehearsals = await world.rehearsals(sound);
  try {
    const report = await runTests(
      loaded.flatMap(({ tests }) => tests ?? []),
      sound.policies,
      () => rehearsals.start(),
    );
    const covered = report.coverage.every(({ share }) => share >= least);
    const ok = report.failed === 0 && covered;
    await world.out(options.json ? jsonText({ ok, ...report }) : sayReport(report, least));
    return ok ? FINE : NO;
  } finally {
    await rehearsals.close();
  }
}

/** The files of a folder, without the zone files that others of them name. */
async function testsIn(world: CliWorld, folder: string): Promise<readonly string[]> {
  const files = await world.list(folder, '.yaml');
  const texts = await Promise.all(files.map((file) => world.readText(file)));
  const zones = new Set(
    files.flatMap((file, at) => [...zoneFiles(file, texts[at]!)].map((path) => resolve(folder, path))),
  );
  return files.filter((file) => !zones.has(resolve(file)));
}

async function loadFile(world: CliWorld, file: string, { installation, policies }: Sound): Promise<LoadedTests> {
  const folder = dirname(resolve(file));
  const text = await world.readText(file);
  const zones = new Map<string, Zones>();
  // Only zones that others are laid over are read here; which those are shows when the file is loaded.
  for (const path of zoneFiles(file, text)) {
    const absolute = resolve(folder, path);
    zones.set(absolute, await readZones(world, absolute));
  }
  const setting: TestSetting = {
    policies,
    checks: CHECKS,
    listeners: installation.listeners,
    zones: { resolve: (path) => resolve(folder, path), read: (path) => zones.get(path) ?? {} },
  };
  return loadTests(shown(file), text, setting);
}

/** As a person here would name it. */
function shown(file: string): string {
  const near = relative('', file);
  return near.startsWith('..') ? file : near;
}

/** Every `dns:` of the file that is a path. */
function zoneFiles(file: string, text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === 'dns' && typeof item === 'string') found.add(item);
      else walk(item);
    }
  };
  walk(parseSource(file, text).root);
  return found;
}

async function readZones(world: CliWorld, path: string): Promise<Zones> {
  const { root, problems } = parseSource(path, await world.readText(path));
  if (problems.length > 0) throw new CliError(sayProblems(problems).trimEnd());
  return (root ?? {}) as Zones;
}

function parseShare(text: string | undefined): number {
  if (text === undefined) return 0;
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text.trim())?.[1];
  if (percent === undefined || Number(percent) > 100)
    throw new CliError(`--min-coverage "${text}" is not a share: write it as 90% or 100%`, USAGE);
  return Number(percent) / 100;
}
