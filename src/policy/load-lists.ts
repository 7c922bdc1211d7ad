/** The lists of a policy and of its tenants, read from files and values. */
import type { Path, Source } from '../language/source.ts';
import type { FactType } from './fact-types.ts';
import { type ListEntry, listLines, readList } from './lists.ts';
import type { Included } from './load-settings.ts';
import type { Loading } from './loading.ts';
import type { List } from './policy.ts';
import { LIST, NAMED } from './policy-file.ts';

export function loadLists(loading: Loading, source: Source, path: Path = ['lists']): ReadonlyMap<string, List> {
  const lists = new Map<string, List>();
  loading.expect(source, NAMED.optional(), path);
  for (const [name] of loading.entries(source, path)) {
    const at = [...path, name];
    const written = loading.expect(source, LIST, at);
    if (written === undefined) continue;
    let entries: Iterable<ListEntry> = (written.values ?? []).map((text, n) => ({
      text,
      place: source.place([...at, 'values', n], 'value'),
    }));
    if (written.file !== undefined) {
      const file = loading.read(written.file);
      if (file === undefined) {
        loading.wrong(
          source,
          [...at, 'file'],
          'value',
          `there is no file ${loading.named(written.file)}`,
          'make it (an empty one is an empty list), or mend its path: paths start at the folder of the policies',
        );
      } else entries = listLines(loading.named(file.path), file.text);
    }
    const { list, problems } = readList(name, written.kind, entries);
    loading.problems.push(...problems);
    lists.set(name, list);
  }
  return lists;
}

/** Every tenant has every name, so that an expression can be typed: what a tenant does not write is empty for it. */
export function loadTenantLists(
  loading: Loading,
  included: readonly Included[],
): ReadonlyMap<string, ReadonlyMap<string, List>> {
  const byTenant = new Map<string, Map<string, List>>([['', new Map()]]);
  const kinds = new Map<string, List['kind']>();
  for (const { source, tenant } of included) {
    const lists = new Map(loadLists(loading, source));
    for (const [name, { kind }] of lists) {
      const first = kinds.get(name) ?? kind;
      kinds.set(name, first);
      if (first === kind) continue;
      loading.wrong(
        source,
        ['lists', name, 'kind'],
        'value',
        `"${name}" is of kind ${first} for another tenant`,
        `write \`kind: ${first}\``,
      );
    }
    byTenant.set(tenant, lists);
  }
  for (const lists of byTenant.values()) {
    for (const [name, kind] of kinds) if (!lists.has(name)) lists.set(name, readList(name, kind, []).list);
  }
  return byTenant;
}

export function typeOfLists(lists: ReadonlyMap<string, List>): FactType {
  const fields = [...lists].map(([name, { kind }]): [string, FactType] => [
    name,
    { kind: 'named', list: kind, about: {} },
  ]);
  return { kind: 'object', fields: Object.fromEntries(fields), about: {} };
}
