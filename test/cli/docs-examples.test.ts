/** Every piece of `postern.yaml` and every whole policy that the README and the pages for operators show loads as it stands. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseAliases } from '../../src/gateway/rewrite/aliases.ts';
import { cliWorld } from '../../src/main/cli-world.ts';
import { temporaryFolder } from '../support/store-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AUTHORITY = join(ROOT, 'test/support/certificates/authority.pem');
const PAGES = ['README.md', ...readdirSync(`${ROOT}docs`).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);
type Yaml = { readonly [key: string]: unknown };

/** What an example may rely on: the four keys of the README, a way out, a certificate, a key that signs. */
const AROUND: Yaml = {
  hostname: 'mx1.example.com',
  postmaster: 'it@example.com',
  listeners: { mx: { address: '127.0.0.1:2525', policy: 'inbound' } },
  certificates: [{ names: ['mx1.example.com'], certificate: 'tls/fullchain.pem', key: 'tls/privkey.pem' }],
  domains: { 'example.com': { route: 'store', recipients: { file: 'recipients.txt' } } },
  routes: { store: { hosts: ['mail1.internal:25'] }, internet: { mx: true } },
  default_route: 'internet',
  signing: { 'example.com': [{ selector: 's1', key_file: 'secrets/s1.pem' }] },
};
const KEYS = new Set([
  ...Object.keys(AROUND),
  'users',
  'senders',
  'routing',
  'srs',
  'arc',
  'dns',
  'services',
  'quarantine',
]);

/** Blocks of YAML, a list entry's indentation taken off. */
function examples(page: string): readonly string[] {
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  return [...text.matchAll(/^( *)```yaml\n(.*?)^ *```/gms)].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** Where a piece stands alone, what it stands in. */
function settled(block: string): Yaml | undefined {
  const bare = /^ *(ldap|recipients):/.exec(block);
  const value: unknown = parse(block);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (bare !== null && block.startsWith(' '))
    return { domains: { 'example.com': { route: 'store', ...(bare[1] === 'ldap' ? { recipients: value } : value) } } };
  return Object.keys(value).every((key) => KEYS.has(key)) ? (value as Yaml) : undefined;
}

const isMap = (value: unknown): value is Yaml => typeof value === 'object' && value !== null && !Array.isArray(value);
const merged = (piece: Yaml): Yaml =>
  Object.fromEntries(
    [...new Set([...Object.keys(AROUND), ...Object.keys(piece)])].map((key) => {
      const [around, said] = [AROUND[key], piece[key] ?? AROUND[key]];
      return [key, isMap(around) && isMap(said) ? { ...around, ...said } : said];
    }),
  );

function folder(): string {
  const at = temporaryFolder();
  cpSync(join(ROOT, 'policies'), join(at, 'policies'), { recursive: true });
  for (const name of ['tls', 'secrets']) mkdirSync(join(at, name));
  for (const name of ['tls/internal-ca.pem', 'tls/our-ca.pem']) cpSync(AUTHORITY, join(at, name));
  for (const name of ['recipients.txt', 'org.txt']) writeFileSync(join(at, name), 'alice\nbob\ndave\nbox\n');
  return at;
}

/** As `postern check --no-secrets` does; what is built later is told too. */
const world = cliWorld(new AbortController().signal);
async function mistakes(at: string): Promise<readonly string[]> {
  const { problems, notYet } = await world.load(join(at, 'postern.yaml'), { secrets: false });
  return [...problems.filter(({ severity }) => severity === 'error'), ...notYet].map(
    ({ message, excerpt }) => `${message} | ${excerpt}`,
  );
}

const ALL = PAGES.flatMap((page) => examples(page).map((block, n) => [page, n + 1, block] as const));
const INSTALLATIONS = ALL.filter(([, , block]) => settled(block) !== undefined);
const POLICIES = ALL.filter(([, , block]) => /^policy: \w+\n(?!defaults:)/m.test(block) && !block.includes('cases:'));

test('there are such examples', () => {
  expect(INSTALLATIONS.length).toBeGreaterThan(22);
  expect(POLICIES.length).toBeGreaterThan(1);
});

test.each(INSTALLATIONS)('%s, example %i loads', async (_page, _n, block) => {
  const at = folder();
  writeFileSync(join(at, 'postern.yaml'), stringify(merged(settled(block)!)));
  writeFileSync(join(at, 'aliases.txt'), aliasesShown());
  expect(await mistakes(at)).toEqual([]);
});

test.each(POLICIES)('%s, example %i is a policy that loads', async (_page, _n, block) => {
  const at = folder();
  writeFileSync(join(at, 'policies/inbound.yaml'), block);
  writeFileSync(join(at, 'postern.yaml'), stringify(merged({})));
  expect(await mistakes(at)).toEqual([]);
});

test('the file of aliases that is shown can be read, line by line', () => {
  const { targets, bad } = parseAliases(aliasesShown(), 'example.com');
  expect([[...targets.keys()], bad]).toEqual([['sales', 'team', 'alice'], []]);
});

/** The file of aliases as docs/rewriting.md shows it. */
function aliasesShown(): string {
  const [, text = ''] = /^```\n(# aliases\.txt.*?)^```/ms.exec(readFileSync(`${ROOT}docs/rewriting.md`, 'utf8')) ?? [];
  expect(text).toContain('sales:');
  return text;
}
