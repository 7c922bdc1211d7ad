/** Every command that the README and the pages for operators print is one that the program takes. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LATER_COMMANDS } from '../../src/cli/later.ts';
import { runCli } from '../../src/cli/program.ts';
import { fakeWorld } from '../support/cli-world.ts';
import { postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { RECORD_ID } from '../support/record.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = ['README.md', ...readdirSync(`${ROOT}docs`).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

/** Lines of shell blocks, and what stands in backticks in the text. */
function commandsOf(page: string): readonly string[] {
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) => block!.split('\n'));
  const inline = [...text.replace(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)].map(([, code]) =>
    code!.replace(/\s+/g, ' '),
  );
  return [...blocks, ...inline]
    .filter((line) => /^\s*postern [a-z]/.test(line))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => !line.includes('…') && !(line.split(' ')[1]! in LATER_COMMANDS));
}

const LINES = PAGES.flatMap((page) => commandsOf(page).map((line) => [page, line] as const));

test('there are such lines', () => expect(LINES.length).toBeGreaterThan(25));

test.each(LINES)('%s: %s', async (_, line) => {
  const words = [...line.replaceAll(/\bID\b/g, RECORD_ID).matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare!,
  );
  const world = fakeWorld({ 'mail.eml': '', FILE: '' });
  const aborted = new AbortController();
  aborted.abort();
  const status = await runCli(words.slice(1), { ...world, signal: aborted.signal });
  expect({ status, err: world.written.err }).not.toMatchObject({ status: 2 });
});

test('the whole policy of docs/policy.md loads, and its case passes', async () => {
  const blocks = [...readFileSync(`${ROOT}docs/policy.md`, 'utf8').matchAll(/```yaml\n(.*?)```/gs)].map(
    ([, yaml]) => yaml!,
  );
  const at = installationFolder(
    [
      'domains: { example.com: { route: store, recipients: any } }',
      'routes: { store: { hosts: ["127.0.0.1:1"], tls: none } }',
    ],
    { inbound: blocks[0]! },
  );
  mkdirSync(join(at.folder, 'policies/tests'));
  at.write('policies/tests/inbound.yaml', blocks.find((yaml) => yaml.startsWith('policy: inbound\ndefaults:'))!);
  expect(await postern('check', '--config', at.config)).toMatchObject({ code: 0 });
  const { code, out } = await postern('test', '--config', at.config);
  expect([code, out]).toEqual([0, expect.stringContaining('1 passed, 0 failed')]);
});
