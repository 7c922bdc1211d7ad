/** `postern explain --batch`: one transaction a line in, one record a line out, in order, several under way at a time. */
import { jsonLine } from '../record/jsonl.ts';
import type { Scenario } from '../record/scenario.ts';
import { asScenario, scenarioSchema } from '../record/scenario-schema.ts';
import { recordView } from '../record/view.ts';
import { parseLine, schemaTrouble, troubleOf } from './batch-trouble.ts';
import { FINE, NO } from './command.ts';
import { readAnswers } from './explain-answers.ts';
import { withWarnings } from './explain-warnings.ts';
import type { CliWorld, Rehearsals } from './world.ts';

/** Under way at a time: enough to keep the process busy while one waits for DNS, few enough to hold in memory. */
const WINDOW = 16;

/** `under` is what the command line says for every line. A line that cannot be played gives `{"line", "error", "remedy"}` in its place, and status 1. */
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
      const scenario = await readScenario(world, line, under);
      const { record, policy } = await rehearsals.start()(scenario);
      return jsonLine(withWarnings(recordView(record, [], policy), scenario));
    } catch (thrown) {
      failed += 1;
      return jsonLine({ line: at, ...troubleOf(thrown) });
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
  const value = parseLine(line);
  // Answers may stand in a file, as on the command line.
  const file = (value as { readonly answers?: unknown }).answers;
  const whole = typeof file === 'string' ? { ...value, answers: await readAnswers(world, file) } : value;
  const read = scenarioSchema.safeParse(whole);
  if (!read.success) throw schemaTrouble(whole, read.error);
  const own = asScenario(read.data);
  const { message: _message, raw: _raw, ...rest } = under;
  return own.message !== undefined || own.raw !== undefined ? { ...rest, ...own } : { ...under, ...own };
}
