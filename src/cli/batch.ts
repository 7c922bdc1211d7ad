/** `postern explain --batch`: one transaction a line in, one record a line out, in order, several under way at a time. */
import { didYouMean } from '../language/nearest.ts';
import { jsonLine } from '../record/jsonl.ts';
import type { Scenario } from '../record/scenario.ts';
import { asScenario, scenarioSchema } from '../record/scenario-schema.ts';
import { recordView } from '../record/view.ts';
import { FINE, NO } from './command.ts';
import { readAnswers } from './explain-answers.ts';
import type { CliWorld, Rehearsals } from './world.ts';

/** Under way at a time: enough to keep the process busy while one waits for DNS, few enough to hold in memory. */
const WINDOW = 16;

/** `under` is what the command line says for every line. A line that cannot be played gives `{"error", "line"}` and status 1. */
export async function explainBatch(
  world: CliWorld,
  file: string,
  under: Scenario,
  rehearsals: Rehearsals,
): Promise<number> {
  let failed = 0;
  let number = 0;
  const underway: Promise<string>[] = [];
  const write = async (): Promise<void> => {
    const line = await underway.shift()!;
    await world.out(line);
  };
  const explainLine = async (line: string, at: number): Promise<string> => {
    try {
      const { record, policy } = await rehearsals.start()(await readScenario(world, line, under));
      return jsonLine(recordView(record, [], policy));
    } catch (thrown) {
      failed += 1;
      return jsonLine({ error: thrown instanceof Error ? thrown.message : String(thrown), line: at });
    }
  };
  for await (const line of world.readLines(file)) {
    number += 1;
    if (line.trim() === '') continue;
    underway.push(explainLine(line, number));
    if (underway.length >= WINDOW) await write();
  }
  while (underway.length > 0) await write();
  return failed === 0 ? FINE : NO;
}

async function readScenario(world: CliWorld, line: string, under: Scenario): Promise<Scenario> {
  const value: unknown = JSON.parse(line);
  // Answers may stand in a file, as on the command line.
  const file = (value as { readonly answers?: unknown } | null)?.answers;
  const whole = typeof file === 'string' ? { ...(value as object), answers: await readAnswers(world, file) } : value;
  const read = scenarioSchema.safeParse(whole);
  if (!read.success) throw new Error(read.error.issues.map(sayIssue).join('; '));
  const own = asScenario(read.data);
  const { message: _message, raw: _raw, ...rest } = under;
  return own.message !== undefined || own.raw !== undefined ? { ...rest, ...own } : { ...under, ...own };
}

type Issue = NonNullable<ReturnType<typeof scenarioSchema.safeParse>['error']>['issues'][number];

function sayIssue(issue: Issue): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `"${key}" is no key of a transaction ${didYouMean(key, KEYS)}`.trim()).join('; ');
  return `${issue.path.join('.') || 'the line'}: ${issue.message}`;
}

const KEYS = Object.keys(scenarioSchema.shape);
