/** A YAML file as plain data that still knows where each part stands. */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Place, Problem } from './problem.ts';
import { unsaidAt, unsaidIn } from './unsaid.ts';
import { restoreTagged, sayYamlError } from './yaml-trouble.ts';

export type Path = readonly (string | number)[];

export interface Source {
  readonly file: string;
  readonly text: string;
  /** What is wrong with the YAML itself. */
  readonly problems: readonly Problem[];
  /** Maps, lists, text, numbers, booleans and null; undefined where the YAML is too broken to read on. */
  readonly root: unknown;
  /** Where a value, or the key it stands under, begins. What is not there has the place of what it is missing from. */
  place(path: Path, what: 'key' | 'value'): Place;
  /** The value as it stands in the file: its first line, bounded; '' when it is not there. */
  written(path: Path): string;
  /** The comment right behind a value, which may have been meant as part of it; '' when there is none. */
  comment(path: Path): string;
  /** A problem at a place of this file, with its line. */
  problem(path: Path, what: 'key' | 'value', message: string, remedy: string, severity?: Problem['severity']): Problem;
}

/** The time to read a map grows with the square of its keys, so that long lists are text files. */
export const SOURCE_CHARACTERS_MAX = 1024 * 1024;
/** No file of ours goes deeper than a dozen levels. */
const SOURCE_DEPTH_MAX = 32;
/** Values in all, each alias counted as what it stands for: ten lines of aliases can make a billion. */
const SOURCE_VALUES_MAX = 200_000;

/** Never throws for what stands in the text. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const add = (offset: number, message: string, remedy: string): void => {
    const place = at(offset);
    // One slip of the pen upsets the parser several times; the first is the one to mend.
    if (problems.some((known) => known.place.line === place.line)) return;
    const unsaid = unsaidIn(lineAt(text, place.line), lineAt(text, place.line - 1));
    problems.push({
      place,
      severity: 'error',
      message: unsaid.of(message),
      remedy: unsaid.of(remedy),
      excerpt: bounded(unsaid.line),
    });
  };

  if (text.length > SOURCE_CHARACTERS_MAX) {
    add(0, `the file holds ${text.length} characters; ${SOURCE_CHARACTERS_MAX} are the most`, REMEDY_SIZE);
    return source(file, text, problems, undefined, null, at);
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  let broken = false;
  for (const trouble of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    const said = sayYamlError(trouble, text);
    broken ||= said.broken;
    add(trouble.pos[0], said.message, said.remedy);
  }
  restoreTagged(document, text);
  const contents = document.contents as Node | null;
  const root = broken ? undefined : toPlain(contents, { add, resolve: (node) => node.resolve(document) });
  return source(file, text, problems, root, contents, at, (node) => node.resolve(document));
}

const REMEDY_SIZE = 'keep long lists in text files, one entry a line, and name them with `file:`';

type Resolve = (alias: Alias) => Node | undefined;

interface Walk {
  readonly add: (offset: number, message: string, remedy: string) => void;
  readonly resolve: Resolve;
}

function toPlain(contents: Node | null, walk: Walk): unknown {
  let count = 0;
  let tooMany = false;
  const plain = (node: unknown, depth: number, open: ReadonlySet<unknown>): unknown => {
    if (node === null || node === undefined || tooMany) return null;
    const offset = (node as Node).range?.[0] ?? 0;
    if (++count > SOURCE_VALUES_MAX) {
      tooMany = true;
      walk.add(offset, `the file holds more than ${SOURCE_VALUES_MAX} values, aliases counted`, REMEDY_SIZE);
      return null;
    }
    if (depth > SOURCE_DEPTH_MAX) {
      walk.add(offset, `this is nested more than ${SOURCE_DEPTH_MAX} levels deep`, 'make it flatter');
      return null;
    }
    if (isAlias(node)) {
      const target = walk.resolve(node);
      if (target === undefined) {
        walk.add(offset, `*${node.source} stands for nothing: no &${node.source} comes before it`, QUOTE_STAR);
        return null;
      }
      if (open.has(target)) {
        walk.add(offset, `*${node.source} stands inside what it stands for`, 'write the value out');
        return null;
      }
      return plain(target, depth, open);
    }
    if (isScalar(node)) return typeof node.value === 'bigint' ? Number(node.value) : node.value;
    const inside = new Set(open).add(node);
    if (isMap(node)) {
      const map: { [key: string]: unknown } = {};
      const merged: { [key: string]: unknown }[] = [];
      for (const pair of node.items) {
        const key = keyOf(pair);
        if (key === undefined || key === '__proto__') {
          const keyOffset = (pair.key as Node | null)?.range?.[0] ?? offset;
          walk.add(
            keyOffset,
            'this key is not a word',
            'a key is one word; an expression stands in double quotes or after `>-`',
          );
          continue;
        }
        const value = plain(pair.value, depth + 1, inside);
        if (key === MERGE && isMapValue(value)) merged.push(value);
        else map[key] = value;
      }
      // What is written here goes before what is merged in.
      return merged.length === 0 ? map : Object.assign({}, ...merged, map);
    }
    const list = node as YAMLSeq;
    return list.items.map((item) => plain(item, depth + 1, inside));
  };
  return plain(contents, 1, new Set());
}

/** `<<: *name` takes over the keys of another map, as YAML 1.1 did and people are used to. */
const MERGE = '<<';
const isMapValue = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const QUOTE_STAR = 'where the * belongs to a text, put the text in double quotes';

/** A key as text: `127` and `1.10` as they are written. */
function keyOf(pair: Pair): string | undefined {
  const key = pair.key;
  if (!isScalar(key)) return undefined;
  if (typeof key.value === 'string') return key.value;
  return key.value === null ? undefined : (key.source ?? String(key.value));
}

function source(
  file: string,
  text: string,
  problems: readonly Problem[],
  root: unknown,
  contents: Node | null,
  at: (offset: number) => Place,
  resolve: Resolve = () => undefined,
): Source {
  const follow = (node: unknown): Node | null | undefined =>
    isAlias(node) ? resolve(node) : (node as Node | null | undefined);
  /** The pair of a key, in the map itself or in what is merged into it. */
  const pairOf = (map: YAMLMap, key: string): Pair | undefined => {
    const own = map.items.find((item) => keyOf(item) === key);
    if (own !== undefined) return own;
    const merged = map.items.filter((item) => keyOf(item) === MERGE).map((item) => follow(item.value));
    for (const under of merged) {
      const found = isMap(under) && under !== map ? pairOf(under, key) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  /** The node and its key as far as the path leads. */
  const find = (path: Path): { node: Node | null | undefined; key: Node | undefined; whole: boolean } => {
    let node: Node | null | undefined = contents;
    let key: Node | undefined;
    for (const step of path) {
      const container = follow(node);
      if (isMap(container)) {
        const pair = pairOf(container, String(step));
        if (pair === undefined) return { node, key, whole: false };
        key = pair.key as Node;
        node = pair.value as Node | null;
      } else {
        const item = (container as YAMLSeq | null | undefined)?.items?.[Number(step)];
        if (item === undefined) return { node, key, whole: false };
        node = item as Node;
        key = undefined;
      }
    }
    return { node, key, whole: true };
  };
  const place = (path: Path, what: 'key' | 'value'): Place => {
    const { node, key, whole } = find(path);
    // What is missing is best looked for at the key of what it is missing from.
    const chosen = (what === 'key' || !whole || !node?.range || isEmpty(node) ? key : undefined) ?? node;
    return at(chosen?.range?.[0] ?? 0);
  };
  return {
    file,
    text,
    problems,
    root,
    place,
    written: (path) => {
      const { node, whole } = find(path);
      if (!whole || !node?.range) return '';
      return bounded(text.slice(node.range[0], node.range[1]).split('\n')[0] ?? '');
    },
    comment: (path) => {
      const { node, whole } = find(path);
      return whole && isScalar(node) && node.type === Scalar.PLAIN ? (node.comment ?? '') : '';
    },
    problem: (path, what, message, remedy, severity = 'error') => {
      const where = place(path, what);
      const { line, of } = unsaidIn(lineAt(text, where.line), lineAt(text, where.line - 1));
      const value = plainAt(root, path);
      const said = (words: string) => unsaidAt(path, value, of(words));
      const excerpt = bounded(unsaidAt(path, value, line, 'line'));
      return { place: where, severity, message: said(message), remedy: said(remedy), excerpt };
    },
  };
}

function plainAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) value = (value as { readonly [key: string | number]: unknown } | null | undefined)?.[step];
  return value;
}

const isEmpty = (node: Node): boolean =>
  node.range !== undefined && node.range !== null && node.range[0] === node.range[1];

/** Longer offending text tells a person nothing more. */
const WRITTEN_MAX = 100;
const bounded = (line: string): string => {
  const one = line.trim().replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  return one.length > WRITTEN_MAX ? `${one.slice(0, WRITTEN_MAX)}…` : one;
};

function lineAt(text: string, line: number): string {
  if (line < 1) return '';
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', start);
    if (next === -1) return '';
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end);
}
