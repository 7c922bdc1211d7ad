import { describe, expect, test } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { runCli } from '../../src/cli/program.ts';
import { REFUSALS } from '../../src/gateway/refusal-table.ts';
import { EDGE_ROOTS } from '../../src/policy/edge-facts.ts';
import { fakeWorld } from '../support/cli-world.ts';

async function run(line: string, world = fakeWorld()) {
  const status = await runCli(line.split(' '), world);
  return { status, ...world.written, world };
}
const WRITE = 'schema --write policies/schema --reference docs/reference';

describe('postern schema', () => {
  test('prints the schema of one kind, or of all by kind', async () => {
    const all = JSON.parse((await run('schema')).out);
    expect(all.installation.properties).toHaveProperty('hostname');
    expect(JSON.parse((await run('schema tests')).out)).toEqual(all.tests);
    expect(Object.keys(all)).toEqual(['installation', 'policy', 'included', 'tests']);
    for (const check of CHECKS.keys()) expect(JSON.stringify(all.policy.properties.checks)).toContain(`"${check}"`);
    expect(all.included.properties).toHaveProperty('tenant');
    expect(await run('schema nonsense')).toMatchObject({ status: 2, err: expect.stringContaining('"nonsense"') });
  });

  test('writes schemas and pages, which are then fresh', async () => {
    const { world, status } = await run(WRITE);
    expect(status).toBe(0);
    expect([...world.files.keys()]).toContain('policies/schema/postern.schema.json');
    expect([...world.files.keys()]).toContain('docs/reference/facts.md');
    expect(await run(`${WRITE} --check`, world)).toMatchObject({ status: 0, err: '' });
  });

  test('--check names what is stale or missing, and writes nothing', async () => {
    const { world } = await run(WRITE);
    world.files.set('docs/reference/facts.md', 'old');
    world.files.delete('policies/schema/postern.schema.json');
    const { status, err } = await run(`${WRITE} --check`, world);
    expect(status).toBe(1);
    expect(err.trim().split('\n')).toEqual([
      'policies/schema/postern.schema.json is stale: run `npm run generate`',
      'docs/reference/facts.md is stale: run `npm run generate`',
    ]);
    expect(world.files.get('docs/reference/facts.md')).toBe('old');
    expect((await run('schema --check')).status).toBe(2);
  });

  test('the pages tell every fact, check, command and refusal', async () => {
    const { world } = await run(WRITE);
    const page = (name: string) => world.files.get(`docs/reference/${name}.md`) ?? '';
    for (const { root } of EDGE_ROOTS) expect(page('facts')).toMatch(new RegExp(`\`${root}[.\`]`));
    for (const [name, { facts, options }] of CHECKS) {
      for (const fact of Object.keys(facts.shape)) expect(page('facts')).toContain(`\`${name}.${fact}\``);
      expect(page('checks')).toContain(`\n## ${name}\n`);
      for (const option of Object.keys(options.shape)) expect(page('checks')).toContain(`\`${option}\``);
    }
    for (const { word } of REFUSALS) expect(page('builtin')).toContain(`\`${word}\``);
    for (const command of ['serve', 'explain', 'queue hold', 'quarantine release', 'schema'])
      expect(page('commands')).toContain(`\n## ${command}\n`);
    expect(page('configuration')).toContain('`listeners.NAME.address`');
    expect(page('policy-tests')).toContain('`cases[].steps[].after`');
  });
});
