/** Settings, tables and what included files say of them: typed once, resolved by recipient, domain, tenant and default. */
import { didYouMean } from '../language/nearest.ts';
import type { Place } from '../language/problem.ts';
import type { Path, Source } from '../language/source.ts';
import { toAscii } from '../mail/address.ts';
import type { InstallationView } from './bundle.ts';
import type { FactType } from './fact-types.ts';
import type { FactValue } from './facts.ts';
import type { Loading } from './loading.ts';
import type { ResolvedSettings } from './policy.ts';
import { INCLUDED, NAMED, SETTING, type Setting, TABLE } from './policy-file.ts';

export interface Settings {
  readonly declared: ReadonlyMap<string, Setting>;
  readonly type: FactType;
  resolve(recipient: string, domain: string): ResolvedSettings;
}

/** A file brought in by `include:`. */
export interface Included {
  readonly source: Source;
  readonly tenant: string;
  readonly lists: readonly string[];
}

interface Layer {
  readonly values: { readonly [name: string]: FactValue };
  readonly places: { readonly [name: string]: Place };
}

export function loadSettings(
  loading: Loading,
  source: Source,
  included: readonly Included[],
  installation: InstallationView,
): Settings {
  const declared = new Map<string, Setting>();
  loading.expect(source, NAMED.optional(), ['settings']);
  for (const [name] of loading.entries(source, ['settings'])) {
    const setting = loading.expect(source, SETTING, ['settings', name]);
    if (setting === undefined) continue;
    declared.set(name, setting);
    const trouble = valueTrouble(setting, setting.default);
    if (trouble !== '')
      loading.wrong(
        source,
        ['settings', name, 'default'],
        'value',
        `the default ${trouble}`,
        'change it or its bounds',
      );
  }
  const layer = (from: Source, path: Path): Layer => {
    const values: { [name: string]: FactValue } = {};
    const places: { [name: string]: Place } = {};
    for (const [name, value] of loading.entries(from, path)) {
      const setting = declared.get(name);
      const at = [...path, name];
      if (setting === undefined) {
        const remedy =
          `${didYouMean(name, declared.keys())} the policy declares: ${[...declared.keys()].join(', ')}`.trim();
        loading.wrong(from, at, 'key', `"${name}" is no setting of this policy`, remedy);
        continue;
      }
      const trouble = valueTrouble(setting, value);
      if (trouble !== '')
        loading.wrong(from, at, 'value', `${name}: ${JSON.stringify(value)} ${trouble}`, sayBounds(setting));
      else {
        values[name] = value as FactValue;
        places[name] = from.place(at, 'value');
      }
    }
    return { values, places };
  };

  const tenants = new Map<string, Layer>();
  const tenantOf = new Map<string, string>();
  const domains = new Map<string, Layer>();
  const recipients = new Map<string, Layer>();
  for (const { source: from, tenant } of included) {
    if (tenant !== '') tenants.set(tenant, layer(from, ['settings']));
    else if (loading.entries(from, ['settings']).length > 0) {
      loading.wrong(from, ['settings'], 'key', 'settings without a tenant belong to nobody', 'add `tenant: NAME`');
    }
    const written = (from.root as { readonly domains?: unknown } | null)?.domains;
    const names = Array.isArray(written)
      ? written.map(String)
      : loading.entries(from, ['domains']).map(([name]) => name);
    names.forEach((name, n) => {
      const at = Array.isArray(written) ? ['domains', n] : ['domains', name];
      const domain = toAscii(name);
      if (domain === undefined || !Object.hasOwn(installation.domains, domain)) {
        const remedy =
          `${didYouMean(name, Object.keys(installation.domains))} it must stand under \`domains:\` of the installation`.trim();
        loading.wrong(from, at, Array.isArray(written) ? 'value' : 'key', `"${name}" is not a domain of ours`, remedy);
        return;
      }
      if (tenant !== '') tenantOf.set(domain, tenant);
      if (!Array.isArray(written)) domains.set(domain, layer(from, at));
    });
    for (const [address] of loading.entries(from, ['recipients'])) {
      recipients.set(addressKey(address), layer(from, ['recipients', address]));
    }
  }
  for (const [domain, { settings, file, line }] of Object.entries(installation.domains)) {
    const { values, places } = installationLayer(loading, declared, domain, settings, { file, line, column: 1 });
    const over = domains.get(domain) ?? { values: {}, places: {} };
    domains.set(domain, { values: { ...values, ...over.values }, places: { ...places, ...over.places } });
  }

  const defaults = Object.fromEntries([...declared].map(([name, setting]) => [name, setting.default]));
  return {
    declared,
    type: {
      kind: 'object',
      fields: Object.fromEntries([...declared].map(([name, setting]) => [name, typeOfSetting(setting)])),
      about: {},
    },
    resolve: (recipient, domain) => {
      const tenant = tenantOf.get(domain) ?? '';
      const layers = [tenants.get(tenant), domains.get(domain), recipients.get(addressKey(recipient))];
      return {
        tenant,
        values: Object.assign({}, defaults, ...layers.map((found) => found?.values)) as ResolvedSettings['values'],
        places: Object.assign({}, ...layers.map((found) => found?.places)) as ResolvedSettings['places'],
      };
    },
  };
}

/** A domain's settings in the installation are for whichever policy declares them. */
function installationLayer(
  loading: Loading,
  declared: ReadonlyMap<string, Setting>,
  domain: string,
  settings: { readonly [name: string]: FactValue },
  place: Place,
): Layer {
  const values: { [name: string]: FactValue } = {};
  const places: { [name: string]: Place } = {};
  for (const [name, value] of Object.entries(settings)) {
    const setting = declared.get(name);
    if (setting === undefined) continue;
    const trouble = valueTrouble(setting, value);
    if (trouble === '') {
      values[name] = value;
      places[name] = place;
    } else {
      const message = `${name} of ${domain}: ${JSON.stringify(value)} ${trouble}`;
      loading.problems.push({ place, severity: 'error', message, remedy: sayBounds(setting), excerpt: '' });
    }
  }
  return { values, places };
}

export function loadIncluded(loading: Loading, source: Source, patterns: readonly string[]): Included[] {
  const found: Included[] = [];
  for (const [n, pattern] of patterns.entries()) {
    const paths = loading.reader.glob(pattern);
    if (paths.length === 0 && !/[*?]/.test(pattern)) {
      loading.wrong(
        source,
        ['include', n],
        'value',
        `there is no file ${loading.named(pattern)}`,
        'paths start at the folder of the policies',
      );
    }
    for (const path of paths) {
      const file = loading.read(path);
      if (file === undefined) continue;
      const from = loading.parse(file);
      const content = loading.expect(from, INCLUDED, []);
      if (content === undefined) continue;
      const tenant = content.tenant ?? '';
      if (tenant !== '' && found.some((other) => other.tenant === tenant)) {
        loading.wrong(from, ['tenant'], 'value', `the tenant "${tenant}" is in two files`, 'give each tenant one file');
      }
      found.push({ source: from, tenant, lists: Object.keys(content.lists ?? {}) });
    }
  }
  return found;
}

export type Tables = { readonly [name: string]: { readonly [key: string]: FactValue } };

export function loadTables(loading: Loading, source: Source): { readonly tables: Tables; readonly type: FactType } {
  const tables: { [name: string]: { [key: string]: FactValue } } = {};
  const fields: { [name: string]: FactType } = {};
  loading.expect(source, NAMED.optional(), ['tables']);
  for (const [name] of loading.entries(source, ['tables'])) {
    const table = loading.expect(source, TABLE, ['tables', name]);
    if (table === undefined) continue;
    const kinds = new Set(Object.values(table).map((value) => typeof value));
    if (kinds.size > 1) {
      loading.wrong(
        source,
        ['tables', name],
        'key',
        `the table ${name} mixes types`,
        'give all of its values one type',
      );
      continue;
    }
    const [kind = 'string'] = kinds;
    const of: FactType =
      kind === 'number'
        ? { kind: 'number', about: {} }
        : kind === 'boolean'
          ? { kind: 'flag', about: {} }
          : { kind: 'text', words: undefined, about: {} };
    tables[name] = table;
    fields[name] = { kind: 'map', of, keys: Object.keys(table), about: {} };
  }
  return { tables, type: { kind: 'object', fields, about: {} } };
}

function typeOfSetting(setting: Setting): FactType {
  switch (setting.type) {
    case 'number':
      return { kind: 'number', about: { stage: 'rcpt' } };
    case 'bool':
      return { kind: 'flag', about: { stage: 'rcpt' } };
    case 'string':
      return { kind: 'text', words: setting.values, about: { stage: 'rcpt' } };
  }
}

/** '' or what is wrong with a value of a setting. */
function valueTrouble(setting: Setting, value: unknown): string {
  switch (setting.type) {
    case 'bool':
      return typeof value === 'boolean' ? '' : 'is not true or false';
    case 'string':
      if (typeof value !== 'string') return 'is not a text';
      return setting.values === undefined || setting.values.includes(value) ? '' : 'is not one of its values';
    case 'number':
      if (typeof value !== 'number') return 'is not a number';
      if (setting.min !== undefined && value < setting.min) return `is below ${setting.min}`;
      return setting.max !== undefined && value > setting.max ? `is above ${setting.max}` : '';
  }
}

function sayBounds(setting: Setting): string {
  if (setting.type === 'bool') return 'expected true or false';
  if (setting.type === 'string')
    return setting.values === undefined ? 'expected a text' : `expected one of ${setting.values.join(', ')}`;
  const { min, max } = setting;
  if (min !== undefined && max !== undefined) return `expected a number from ${min} to ${max}`;
  return min !== undefined
    ? `expected a number of at least ${min}`
    : max !== undefined
      ? `expected a number of at most ${max}`
      : 'expected a number';
}

/** Without case and subaddress. */
function addressKey(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(0, at)).toLowerCase();
  const plus = local.indexOf('+');
  return `${plus > 0 ? local.slice(0, plus) : local}@${toAscii(address.slice(at + 1)) ?? address.slice(at + 1).toLowerCase()}`;
}
