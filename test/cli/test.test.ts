import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';

const FOLDER = '/etc/postern/policies/tests';
const GOOD = `
policy: inbound
defaults: { dns: zones.yaml }
cases:
  - { name: right, given: { dns: { b.example: [SERVFAIL] } }, expect: { recipients: { bob@example.com: accept } } }
`;
const BAD = `
policy: inbound
cases:
  - name: wrong
    expect: { recipients: { carol@example.com: { verdict: accept, reply: { code: 550 } } } }
`;
const world = (files: { readonly [name: string]: string }): FakeWorld =>
  fakeWorld({
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text])),
  });
/** Its folder also holds the zones that one of the files names. */
async function run(files: { readonly [name: string]: string }, ...words: string[]) {
  const here = world({ ...files });
  here.files.set(`${FOLDER}/zones.yaml`, 'a.example: [TIMEOUT]');
  here.list = async () => ['zones.yaml', ...Object.keys(files)].map((name) => `${FOLDER}/${name}`);
  const played: Scenario[] = [];
  const { play } = here;
  here.play = async (scenario) => {
    played.push(scenario);
    return play(scenario);
  };
  return { status: await runCli(['test', ...words], here), ...here.written, played };
}

describe('postern test', () => {
  test('runs every file beside the policies; zones are laid over those of the file', async () => {
    const { status, out, played } = await run({ 'a.yaml': GOOD, 'b.yaml': GOOD });
    expect(status).toBe(0);
    expect(out).toMatch(/2 passed, 0 failed\n$/);
    expect(played[0]).toMatchObject({ listener: 'mx', dns: { 'a.example': ['TIMEOUT'], 'b.example': ['SERVFAIL'] } });
  });

  test('a failure shows both sides with the lines of case and rule, exit 1', async () => {
    const { status, out } = await run({ 'a.yaml': GOOD, 'bad.yaml': BAD });
    expect(status).toBe(1);
    expect(out).toContain(`FAILED  wrong  (${FOLDER}/bad.yaml:4)`);
    expect(out).toMatch(/carol@example\.com verdict {2}expected {2}accept\n +but was {3}quarantine\n/);
    expect(out).toMatch(/decided by .*rule:dmarc-hold \(policies\/inbound\.yaml:44\)/);
  });

  test('says which rules were never seen to hold; --min-coverage makes that a no', async () => {
    const { status, out } = await run({ 'a.yaml': GOOD });
    expect(status).toBe(0);
    expect(out).toMatch(
      /coverage of inbound: 3 of 4 rules held \(75 %\)\n {2}never held {2}listed-client {2}policies\/inbound\.yaml:31/,
    );
    expect((await run({ 'a.yaml': GOOD }, '--min-coverage', '75%')).status).toBe(0);
    const strict = await run({ 'a.yaml': GOOD }, '--min-coverage', '100%');
    expect(strict).toMatchObject({ status: 1, out: expect.stringContaining('100 % were asked for') });
  });

  test('a mistake in a test file is a problem with its place, and nothing is run', async () => {
    const { status, out, played } = await run({ 'a.yaml': GOOD, 'b.yaml': GOOD.replace('accept', 'accepted') });
    expect(status).toBe(1);
    expect(out).toMatch(/b\.yaml:5:\d+: error: .*accepted/);
    expect(played).toEqual([]);
  });

  test('with --json gives the whole report', async () => {
    const report = JSON.parse((await run({ 'a.yaml': GOOD, 'bad.yaml': BAD }, '--json')).out);
    expect(report).toMatchObject({ ok: false, passed: 1, failed: 1, coverage: [{ policy: 'inbound', share: 0.75 }] });
  });

  test('no tests at all is a no', async () => {
    const empty = fakeWorld();
    expect(await runCli(['test'], empty)).toBe(1);
    expect(empty.written.err).toContain('no tests in /etc/postern/policies/tests');
  });
});
