/** A mistake in a file someone wrote: where it stands, what is wrong, and how to mend it. */

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface Problem {
  readonly place: Place;
  readonly severity: 'error' | 'warning';
  /** One sentence: what is wrong, with the offending text. */
  readonly message: string;
  /** What to write instead; names the nearest valid word where there is one. */
  readonly remedy: string;
  /** The offending line as it stands in the file, or ''. */
  readonly excerpt: string;
}

/** `policies/inbound.yaml:12:7: error: … (remedy)` */
export function sayProblem(problem: Problem): string {
  const { file, line, column } = problem.place;
  const remedy = problem.remedy === '' ? '' : `\n    ${problem.remedy}`;
  const excerpt = problem.excerpt === '' ? '' : `\n    | ${problem.excerpt.trim()}`;
  return `${file}:${line}:${column}: ${problem.severity}: ${problem.message}${excerpt}${remedy}`;
}

/** File by file in the order in which they first occur, from top to bottom. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ place }) => place.file))];
  return [...problems].sort(
    (a, b) =>
      files.indexOf(a.place.file) - files.indexOf(b.place.file) ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
}
