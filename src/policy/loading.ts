/** What one load has read so far, and every problem it met: a mistake in one place never hides those in others. */
import type { z } from 'zod';
import { expectSchema, valueAt } from '../language/expect.ts';
import type { Problem } from '../language/problem.ts';
import { type Path, parseSource, type Source } from '../language/source.ts';
import type { SourceFile } from './bundle.ts';
import type { Flaw } from './expression-walk.ts';

/** Where policies are read from. */
export interface PolicyReader {
  /** A file by its path relative to the policies' folder; undefined when there is none. */
  read(path: string): SourceFile | undefined;
  /** Paths that match a glob such as `customers/*.yaml`, sorted. */
  glob(pattern: string): readonly string[];
  /** The folder as a person would name it, for problems. */
  readonly name: string;
}

export class Loading {
  readonly problems: Problem[] = [];
  /** In the order of the bundle: the policy first. */
  readonly files: SourceFile[] = [];
  readonly reader: PolicyReader;

  constructor(reader: PolicyReader) {
    this.reader = reader;
  }

  /** Path of a file as a person would name it. */
  named(path: string): string {
    return this.reader.name === '' || this.reader.name === '.' ? path : `${this.reader.name}/${path}`;
  }

  read(path: string): SourceFile | undefined {
    const file = this.reader.read(path);
    if (file !== undefined && !this.files.some((known) => known.path === path)) this.files.push(file);
    return file;
  }

  parse(file: SourceFile): Source {
    const source = parseSource(this.named(file.path), file.text);
    this.problems.push(...source.problems);
    return source;
  }

  /** What stands at a path, held against its shape; undefined where it is not as it must be. */
  expect<S extends z.ZodType>(source: Source, schema: S, path: Path): z.output<S> | undefined {
    const { value, problems } = expectSchema(source, schema, path);
    this.problems.push(...problems.map(withYamlRemedy));
    return problems.length > 0 ? undefined : value;
  }

  /** Entries of a map as written; nothing where it is absent or no map. */
  entries(source: Source, path: Path): readonly (readonly [string, unknown])[] {
    const value = valueAt(source.root, path);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  }

  /** Items of a list as written; nothing where it is absent or no list. */
  items(source: Source, path: Path): readonly (readonly [number, unknown])[] {
    const value = valueAt(source.root, path);
    return Array.isArray(value) ? value.map((item, n) => [n, item] as const) : [];
  }

  wrong(source: Source, path: Path, what: 'key' | 'value', message: string, remedy: string): void {
    this.problems.push(source.problem(path, what, message, remedy));
  }

  warn(source: Source, path: Path, what: 'key' | 'value', message: string, remedy: string): void {
    this.problems.push(source.problem(path, what, message, remedy, 'warning'));
  }

  /** A mistake inside a text, at the very character. */
  flaw(source: Source, path: Path, text: string, flaw: Flaw): void {
    const problem = source.problem(path, 'value', flaw.message, flaw.remedy);
    const comment = source.comment(path);
    const cut = comment !== '' && flaw.message.startsWith('the expression cannot be read');
    const remedy = cut ? `# begins a comment here: ${REMEDY_YAML}` : flaw.remedy;
    this.problems.push({ ...problem, ...within(source, problem.place, text, flaw.start), remedy });
  }

  get failed(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }
}

const REMEDY_YAML = 'put the expression in double quotes or after `>-`';

/** `when: a ? b : c` is a map to YAML; whoever wrote it meant an expression. */
function withYamlRemedy(problem: Problem): Problem {
  const key = /^"(.*)" is not a key that may stand here$/.exec(problem.message)?.[1];
  return key === undefined || /^[\w.-]*$/.test(key) ? problem : { ...problem, remedy: REMEDY_YAML };
}

/** Line, column and line text of a character within a text that begins at a place, quoted, folded or plain. */
function within(
  source: Source,
  from: Problem['place'],
  text: string,
  start: number,
): Pick<Problem, 'place' | 'excerpt'> {
  const lines = source.text.split('\n');
  const before = lines.slice(0, from.line - 1).reduce((sum, line) => sum + line.length + 1, 0) + from.column - 1;
  const span = source.text.slice(before, before + text.length * 2 + FOLDED);
  const whole = span.indexOf(text);
  // In a folded text the words stand on, the spaces between lines do not.
  const word = /^\S+/.exec(text.slice(start))?.[0] ?? '';
  const apart = word === '' ? -1 : span.indexOf(word);
  const offset = before + (whole >= 0 ? whole + start : Math.max(0, apart));
  const line = source.text.slice(0, offset).split('\n').length;
  const column = offset - (source.text.lastIndexOf('\n', offset - 1) + 1) + 1;
  return { place: { file: from.file, line, column }, excerpt: (lines[line - 1] ?? '').slice(0, EXCERPT_MAX) };
}

const FOLDED = 400; // indentation of folded lines
const EXCERPT_MAX = 200;
