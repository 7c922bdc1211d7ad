/** Holds the floors of docs/architecture.md against the code: imports go down, neighbours do not meet, nothing goes round. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What each floor may import besides itself. `main.ts` may import everything. */
const MAY: { readonly [floor: string]: readonly string[] } = {
  language: ['mail'],
  mail: [],
  mime: ['mail'],
  policy: ['language', 'mail'],
  queue: ['mail'],
  record: ['policy', 'queue', 'language', 'mail'],
  config: ['policy', 'queue', 'language', 'mail'],
  ports: ['record', 'policy', 'queue', 'language', 'mail'],
  checks: ['mime', 'ports', 'record', 'policy', 'queue', 'language', 'mail'],
  smtp: ['ports', 'record', 'policy', 'queue', 'language', 'mail'],
  gateway: ['mime', 'checks', 'smtp', 'ports', 'record', 'config', 'policy', 'queue', 'language', 'mail'],
  adapters: ['mime', 'ports', 'record', 'config', 'policy', 'queue', 'language', 'mail'],
  admin: ['mime', 'gateway', 'checks', 'ports', 'record', 'config', 'policy', 'queue', 'language', 'mail'],
  cli: ['mime', 'gateway', 'checks', 'ports', 'record', 'config', 'policy', 'queue', 'language', 'mail'],
};
const PURE = ['language', 'mail', 'policy', 'queue', 'record', 'config', 'ports'];
const PURE_PACKAGES = ['zod', 'yaml', '@marcbachmann/cel-js', 're2js', 'tr46', 'tldts'];

const LINES_MAX = 400;
/** Tests that were longer when the floor was laid: none may grow, and whoever divides one takes it out. */
const TOO_LONG: { readonly [name: string]: number } = {
  'adapters/dns/client.test.ts': 502,
  'config/load-installation.test.ts': 499,
  'policy/decide.property.test.ts': 448,
  'policy/mistakes.test.ts': 608,
  'smtp/receive/receiver.test.ts': 488,
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => name.replaceAll('\\', '/'));

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gms;
  for (const match of text.matchAll(statement))
    found.push({ file, target: match[2]!, typeOnly: match[1] !== undefined });
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g))
    found.push({ file, target: match[1]!, typeOnly: false });
  return found;
}

const inside = (from: Import): string | undefined =>
  from.target.startsWith('.')
    ? normalize(relative(SRC, join(SRC, dirname(from.file), from.target))).replaceAll('\\', '/')
    : undefined;
const floorOf = (file: string): string => (file.includes('/') ? file.split('/')[0]! : file);
const imports = files.flatMap(importsOf);

describe('the house', () => {
  test('every floor imports only what lies below it', () => {
    const wrong = imports.flatMap((from) => {
      const target = inside(from);
      const floor = floorOf(from.file);
      if (target === undefined || floor === 'main.ts' || floor === 'main') return [];
      const to = floorOf(target);
      return to === floor || MAY[floor]?.includes(to) ? [] : [`${from.file} imports ${target}`];
    });
    expect(wrong).toEqual([]);
  });

  test('the pure floors know no Node and only the packages named for them', () => {
    const wrong = imports.filter(
      (from) =>
        PURE.includes(floorOf(from.file)) &&
        !from.target.startsWith('.') &&
        !PURE_PACKAGES.some((name) => from.target === name || from.target.startsWith(`${name}/`)),
    );
    expect(wrong.map((from) => `${from.file} imports ${from.target}`)).toEqual([]);
  });

  test('the pure floors ask neither the clock nor the dice', () => {
    const asking = files.filter(
      (file) =>
        PURE.includes(floorOf(file)) &&
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\./.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(asking).toEqual([]);
  });

  test('only main imports adapters', () => {
    const wrong = imports.filter(
      (from) =>
        inside(from)?.startsWith('adapters/') &&
        floorOf(from.file) !== 'adapters' &&
        !['main.ts', 'main'].includes(floorOf(from.file)),
    );
    expect(wrong.map((from) => `${from.file} imports ${from.target}`)).toEqual([]);
  });

  test('there is no index.ts, no default export and no re-export', () => {
    const wrong = files.filter((file) => {
      const text = readFileSync(join(SRC, file), 'utf8');
      return /(^|\/)index\.ts$/.test(file) || /^export default\b/m.test(text) || /^export\s.*\sfrom\s/m.test(text);
    });
    expect(wrong).toEqual([]);
  });

  test('no cycle runs between files', () => {
    const edges = new Map<string, string[]>();
    for (const from of imports) {
      const target = inside(from);
      if (target !== undefined && !from.typeOnly) edges.set(from.file, [...(edges.get(from.file) ?? []), target]);
    }
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): string | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' → ');
      if (done.has(file)) return undefined;
      for (const next of edges.get(file) ?? []) {
        const cycle = walk(next, [...path, file]);
        if (cycle !== undefined) return cycle;
      }
      done.add(file);
      return undefined;
    };
    expect(files.map((file) => walk(file, [])).filter((cycle) => cycle !== undefined)).toEqual([]);
  });

  test('no file is longer than 400 lines: one that wants more has two ideas', () => {
    const long = ['../src', '.'].flatMap((folder) => {
      const root = fileURLToPath(new URL(folder, import.meta.url));
      return readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => ({ name, lines: readFileSync(join(root, name), 'utf8').split('\n').length - 1 }))
        .filter(({ name, lines }) => lines > (TOO_LONG[name] ?? LINES_MAX))
        .map(({ name, lines }) => `${folder}/${name} has ${lines}`);
    });
    expect(long).toEqual([]);
  });

  test('every file opens with a sentence that says why it exists', () => {
    const silent = files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(silent).toEqual([]);
  });
});
