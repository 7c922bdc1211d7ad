/** Why a line of a batch cannot be played, as data: what is wrong, and what to write instead. */
import type { z } from 'zod';
import { explainIssues } from '../language/expect.ts';
import { parseSource } from '../language/source.ts';
import { scenarioSchema } from '../record/scenario-schema.ts';

export interface Trouble {
  readonly error: string;
  readonly remedy: string;
}

class LineTrouble extends Error {
  override readonly name = 'LineTrouble';
  readonly remedy: string;
  constructor({ error, remedy }: Trouble) {
    super(error);
    this.remedy = remedy;
  }
}

const ONE_LINE = 'write one transaction a line, as a JSON object: {"client_ip":"192.0.2.1","rcpt":["bob@example.com"]}';

export function parseLine(line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new LineTrouble({ error: `this is no JSON: ${(error as Error).message}`, remedy: ONE_LINE });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LineTrouble({ error: 'this is JSON, and no object', remedy: ONE_LINE });
  return value;
}

/** The same words as for a test case in YAML, of which JSON is a part. */
export function schemaTrouble(value: object, { issues }: z.ZodError): LineTrouble {
  const source = parseSource('', JSON.stringify(value));
  const told = issues.flatMap((issue) =>
    explainIssues(source, scenarioSchema, [issue]).map(({ message, remedy }) => ({
      error: issue.path.length === 0 ? message : `${issue.path.join('.')}: ${message}`,
      remedy,
    })),
  );
  return new LineTrouble({
    error: told.map(({ error }) => error).join('; '),
    remedy: [...new Set(told.map(({ remedy }) => remedy))].join('; '),
  });
}

/** Errors of the house read "Cannot ⟨do⟩ as ⟨what must be⟩: ⟨what is⟩": the second half is what to write. */
export function troubleOf(thrown: unknown): Trouble {
  const message = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0]!;
  if (thrown instanceof LineTrouble) return { error: message, remedy: thrown.remedy };
  const [, what, must] = /^(Cannot .+?) as (.+)$/.exec(message) ?? [];
  if (what === undefined || must === undefined)
    return { error: message, remedy: 'mend what the line says, and play it again' };
  return { error: what, remedy: must };
}
