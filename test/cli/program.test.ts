import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { LATER_COMMANDS } from '../../src/cli/later.ts';
import { buildProgram, runCli } from '../../src/cli/program.ts';
import { fakeWorld } from '../support/cli-world.ts';
import { aRecord, RECORD_ID } from '../support/record.ts';

const everyCommand = (top: Command): Command[] => [top, ...top.commands.flatMap(everyCommand)];
const program = buildProgram({ world: fakeWorld(), status: 0 });
const leaves = everyCommand(program).filter((command) => command.commands.length === 0);
const pathOf = (command: Command): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];

async function run(line: string, world = fakeWorld()) {
  const status = await runCli(
    line.split(' ').filter((word) => word !== ''),
    world,
  );
  return { status, ...world.written, world };
}

describe('the program', () => {
  test.each(leaves.map((command) => [pathOf(command).join(' ')]))(
    '%s has help with examples, and --config',
    async (path) => {
      const { status, out } = await run(`${path} --help`);
      expect(status).toBe(0);
      expect(out).toMatch(/--config <file>/);
      expect(out).toContain(`\nExamples:\n  postern ${path}`);
    },
  );

  test('a family of commands has examples too, and no help is wider than a terminal', async () => {
    for (const command of everyCommand(program)) {
      const { out } = await run(`${pathOf(command).join(' ')} --help`);
      expect(out).toContain(`\nExamples:\n  postern ${pathOf(command).join(' ')}`);
      // A line to be typed is not broken.
      const prose = out.split('\n').filter((line) => !/^ {2}postern \S/.test(line) || line.includes('  # '));
      expect(prose.filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test('everything that prints speaks JSON', () => {
    const silent = leaves.filter((command) => !command.options.some(({ long }) => long === '--json')).map(pathOf);
    expect(silent).toEqual([['serve']]);
  });

  test('every example is a line the program takes', async () => {
    const lines = leaves.flatMap((command) => {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      return [...help.matchAll(/^ {2}postern (.+?)\s+# /gm)].map(([, line]) => line!);
    });
    expect(lines.length).toBeGreaterThan(leaves.length);
    for (const line of lines) {
      const words = [...line.replace(/ >.*/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare!,
      );
      const world = fakeWorld({ 'mail.eml': '', 'transactions.jsonl': '' });
      const aborted = new AbortController();
      aborted.abort();
      const status = await runCli(words, { ...world, signal: aborted.signal });
      expect([line, status, world.written.err]).not.toEqual([line, 2, expect.anything()]);
    }
  });

  const wrong: readonly [string, RegExp][] = [
    ['', /Usage: postern/],
    ['explian', /unknown command 'explian'.*Did you mean explain/s],
    ['check --no-secretes', /unknown option.*Did you mean --no-secrets/s],
    ['trace', /missing required argument 'id'/],
    ['trace 12', /"12" is not the id of a record/],
    ['log --verdict rejected', /--verdict is one of accept, reject/],
    ['log --since yesterday', /--since "yesterday" is not a time/],
    ['log --limit many', /--limit is a number/],
    ['explain --state new', /--state is passed, fresh or live/],
    ['test --min-coverage most', /--min-coverage "most" is not a share/],
    ['queue', /Usage: postern queue/],
    ['queue hold', /which ones\? Give ids or an option that chooses, or --all/],
    ['queue remove --all --route store', /--all leaves nothing to choose/],
    ['queue retry 12', /"12" is not an id/],
    ['queue list --state gone', /--state is one of waiting/],
    ['queue list --older-than old', /--older-than "old" is not a span/],
    ['quarantine release', /which ones\?/],
  ];
  test.each(wrong)('"%s" is wrong usage: exit 2 and a sentence', async (line, said) => {
    const { status, out, err } = await run(line);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(said);
  });

  test.each(Object.keys(LATER_COMMANDS))(
    '%s says by its name that it has not come yet, whatever follows',
    async (name) => {
      for (const line of [name, `${name} --since 7d --json`, `${name} --help`])
        expect(await run(line)).toMatchObject({
          status: 2,
          out: '',
          err: expect.stringMatching(new RegExp(`^postern: \`${name}\` has not come yet: .+\\n$`)),
        });
    },
  );

  test('no command that is there is said to come later', () => {
    expect(program.commands.map((command) => command.name()).filter((name) => name in LATER_COMMANDS)).toEqual([]);
  });

  test('serve is handed on with its configuration', async () => {
    const { world } = await run('serve --config other.yaml');
    expect(world.asked).toEqual(['serve other.yaml']);
  });

  test('a fault is told in one clean line, exit 1', async () => {
    const world = fakeWorld();
    world.load = async () => {
      throw new Error('Cannot read x\x1b[2J');
    };
    expect(await run('check', world)).toMatchObject({ status: 1, err: 'postern: Cannot read x\\x1b[2J\n' });
  });

  test('what was opened is closed when the command fails', async () => {
    const { world, status, err } = await run(`trace ${RECORD_ID}`);
    expect(status).toBe(1);
    expect(err).toMatch(/no record 3f9k2m7q0d5xa is kept/);
    expect(world.asked).toContain('closed');
  });
});

test('who may not open the store hears who may', async () => {
  const world = fakeWorld();
  world.visit = async () => {
    throw new Error("Cannot use the store: EACCES: permission denied, stat '/var/lib/postern/queue.db'");
  };
  expect(await run('quarantine list', world)).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^postern: Cannot use the store: EACCES.*\nrun it as the gateway's user: .*\n$/),
  });
});

describe('a reader who goes away', () => {
  test('is no fault of ours: exit 0, nothing said', async () => {
    const world = fakeWorld();
    world.store.records.append(aRecord(), []);
    world.out = async () => {
      throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    };
    expect(await run(`trace ${RECORD_ID}`, world)).toMatchObject({ status: 0, err: '' });
  });

  test('a real pipe, closed early, ends the writer', async () => {
    const writer = new URL('../../src/cli/writer.ts', import.meta.url).href;
    const script = `import { streamWriter } from ${JSON.stringify(writer)};
      const out = streamWriter(process.stdout);
      try { for (;;) await out('x'.repeat(65536)); } catch (error) { process.exitCode = error.code === 'EPIPE' ? 42 : 1; }`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect((await once(child, 'exit'))[0]).toBe(42);
  });
});
