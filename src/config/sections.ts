/** What `postern.yaml` and its includes say, key by key: validated each by itself, so that one mistake hides no other. */
import type { z } from 'zod';
import { expectSchema } from '../language/expect.ts';
import { didYouMean } from '../language/nearest.ts';
import type { Problem } from '../language/problem.ts';
import { type Path, parseSource, type Source } from '../language/source.ts';
import type { PairReading } from './certificate-pair.ts';
import { folderOf, relativeTo, resolvePath } from './paths.ts';
import { INCLUDE, MAPS, SINGLES } from './schema.ts';
import type { KeyReading } from './signing-key.ts';

/** Where the words come from: a disk, or a test's map. Paths are absolute. */
export interface InstallationFiles {
  /** Undefined when there is no such file. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** Files that match a path with `*` in it, sorted. */
  glob(pattern: string): readonly string[];
  /** A certificate and its key, as far as a problem may tell of them. */
  pair(certificate: string, key: string): PairReading;
  /** A private key that signs mail, as far as a problem may tell of it. */
  signingKey(path: string): KeyReading;
  /** A path as a person would name it, for problems. */
  show(path: string): string;
}

/** Something that was written, and where. `value` is undefined where it did not validate: it is there, but nobody may use it. */
export interface Written<T> {
  readonly value: T | undefined;
  readonly at: Spot;
}

/** A place in one of the files. */
export interface Spot {
  readonly source: Source;
  readonly path: Path;
  /** The file from the folder of `postern.yaml`. */
  readonly name: string;
  problem(more: Path, message: string, remedy: string, what?: 'key' | 'value'): Problem;
}

type Singles = { readonly [K in keyof typeof SINGLES]?: Written<z.output<(typeof SINGLES)[K]>> };
type Maps = { readonly [K in keyof typeof MAPS]: ReadonlyMap<string, Written<z.output<(typeof MAPS)[K]>>> };

export interface Sections {
  readonly singles: Singles;
  readonly maps: Maps;
  /** The first file, for what is missing from all. */
  readonly main: Spot;
  /** Keys that were written, in whatever file; undefined where some file could not be read, so that nothing can be called missing. */
  readonly said: ReadonlySet<string> | undefined;
  readonly problems: readonly Problem[];
}

const MAP_NAMES = Object.keys(MAPS) as (keyof typeof MAPS)[];
const SINGLE_NAMES = Object.keys(SINGLES) as (keyof typeof SINGLES)[];
const KEYS: readonly string[] = [...SINGLE_NAMES, ...MAP_NAMES, 'include'];

/** A file that matters to nobody else. */
const INCLUDES_MAX = 1000;

export function readSections(file: string, files: InstallationFiles): Sections {
  const problems: Problem[] = [];
  const singles: { [key: string]: Written<unknown> } = {};
  const maps: { [key: string]: Map<string, Written<unknown>> } = Object.fromEntries(
    MAP_NAMES.map((name) => [name, new Map()]),
  );
  const folder = folderOf(file);
  const said = new Set<string>();
  let unread = false;

  const readFile = (path: string, included: boolean): Spot => {
    const text = files.read(path);
    const source = parseSource(files.show(path), text ?? '');
    const top = spotAt(source, [], relativeTo(folder, path));
    if (text === undefined) {
      problems.push(top.problem([], 'there is no such file, or it cannot be read', 'name it with --config'));
      unread = true;
      return top;
    }
    problems.push(...source.problems);
    if (source.root === undefined) {
      unread = true;
      return top;
    }
    if (!isMap(source.root)) {
      if (source.root !== null || !included)
        problems.push(top.problem([], 'the file holds no map', `expected keys such as ${KEYS.slice(0, 4).join(', ')}`));
      return top;
    }
    for (const key of Object.keys(source.root)) {
      const at = spotAt(source, [key], top.name);
      said.add(key);
      if (isMapName(key)) readMap(key, at, source.root[key]);
      else if (isSingleName(key)) readSingle(key, at);
      else if (key === 'include') readIncludes(at, included);
      else problems.push(unknownKey(at, key));
    }
    return top;
  };

  const readSingle = (key: keyof typeof SINGLES, at: Spot): void => {
    const before = singles[key];
    if (before !== undefined) {
      problems.push(at.problem([], `"${key}" is said here a second time`, `${firstSaid(before)}: keep one`, 'key'));
      return;
    }
    const { value, problems: found } = expectSchema<z.ZodType>(at.source, SINGLES[key], at.path);
    problems.push(...found);
    singles[key] = { value, at };
  };

  const readMap = (key: keyof typeof MAPS, at: Spot, written: unknown): void => {
    if (!isMap(written)) {
      problems.push(at.problem([], `"${key}" holds no map`, `expected a map of names; \`${key}: {}\` for none`, 'key'));
      return;
    }
    for (const name of Object.keys(written)) {
      const entry = spotAt(at.source, [key, name], at.name);
      const before = maps[key]!.get(name);
      if (before !== undefined) {
        problems.push(entry.problem([], `"${name}" stands in ${key} twice`, `${firstSaid(before)}: keep one`, 'key'));
        continue;
      }
      const { value, problems: found } = expectSchema<z.ZodType>(entry.source, MAPS[key], entry.path);
      problems.push(...found);
      maps[key]!.set(name, { value, at: entry });
    }
  };

  const readIncludes = (at: Spot, included: boolean): void => {
    if (included) {
      problems.push(at.problem([], 'an included file includes nothing', 'name all files in the first one', 'key'));
      return;
    }
    const { value = [], problems: found } = expectSchema(at.source, INCLUDE, at.path);
    problems.push(...found);
    value.forEach((pattern, n) => {
      const matching = files.glob(resolvePath(folder, pattern)).filter((path) => path !== file);
      // `conf.d/*.yaml` of an empty folder is fine; a file that is named must be there.
      if (matching.length === 0 && !pattern.includes('*'))
        problems.push(at.problem([n], `there is no file "${pattern}"`, `looked for ${resolvePath(folder, pattern)}`));
      if (matching.length > INCLUDES_MAX)
        problems.push(at.problem([n], `"${pattern}" names more than ${INCLUDES_MAX} files`, 'join some of them'));
      for (const path of matching.slice(0, INCLUDES_MAX)) readFile(path, true);
    });
  };

  const main = readFile(file, false);
  return {
    singles: singles as Singles,
    maps: maps as unknown as Maps,
    main,
    said: unread ? undefined : said,
    problems,
  };
}

function spotAt(source: Source, path: Path, name: string): Spot {
  return {
    source,
    path,
    name,
    problem: (more, message, remedy, what = 'value') => source.problem([...path, ...more], what, message, remedy),
  };
}

const unknownKey = (at: Spot, key: string): Problem =>
  at.problem(
    [],
    `"${key}" is not a key of this file`,
    [didYouMean(key, KEYS), `valid here: ${KEYS.join(', ')}`].filter((said) => said !== '').join(' '),
    'key',
  );

const firstSaid = ({ at }: Written<unknown>): string => {
  const { file, line } = at.source.place(at.path, 'key');
  return `it was said in ${file}:${line}`;
};
const isMap = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isMapName = (key: string): key is keyof typeof MAPS => Object.hasOwn(MAPS, key);
const isSingleName = (key: string): key is keyof typeof SINGLES => Object.hasOwn(SINGLES, key);
