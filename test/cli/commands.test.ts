import { describe, expect, test } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { runCli } from '../../src/cli/program.ts';
import type { Problem } from '../../src/language/problem.ts';
import { readerOf } from '../../src/policy/bundle-files.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { aRecord, RECORD_ID } from '../support/record.ts';
import { NOON, sampleId, sampleRecord } from '../support/samples.ts';

async function run(world: FakeWorld, line: string) {
  world.written.out = '';
  world.written.err = '';
  return { status: await runCli(line.split(' '), world), ...world.written };
}
const problem = (severity: Problem['severity']): Problem => ({
  place: { file: 'policies/inbound.yaml', line: 12, column: 7 },
  severity,
  message: 'there is no fact "spf.resul"',
  remedy: 'did you mean "spf.result"?',
  excerpt: 'when: "spf.resul == \'fail\'"',
});
const withProblems = (...problems: Problem[]): FakeWorld => {
  const world = fakeWorld();
  world.loaded = { ...world.loaded, problems };
  return world;
};

describe('postern check', () => {
  test('says what is there when all is fine', async () => {
    const { status, out } = await run(fakeWorld(), 'check');
    expect({ status, out }).toEqual({
      status: 0,
      out: 'postern.yaml is fine: 1 listener, 1 domain, policy inbound (4 rules)\n',
    });
  });

  test('reports each problem with place, text and remedy; one error is enough for exit 1', async () => {
    const { status, out } = await run(withProblems(problem('warning'), problem('error')), 'check');
    expect(status).toBe(1);
    expect(out).toContain('policies/inbound.yaml:12:7: error: there is no fact "spf.resul"\n');
    expect(out).toContain('did you mean "spf.result"?');
    expect(out).toMatch(/1 error, 1 warning\n$/);
  });

  test('a warning alone is fine', async () => {
    expect((await run(withProblems(problem('warning')), 'check')).status).toBe(0);
  });

  test('what has not come yet is said, and that `serve` refuses it: exit 1', async () => {
    const world = fakeWorld();
    world.loaded = { ...world.loaded, notYet: [problem('error')] };
    const { status, out } = await run(world, 'check');
    expect(status).toBe(1);
    expect(out).toMatch(
      /inbound\.yaml:12:7: .*\n`serve` refuses postern\.yaml: 1 part of it has nothing behind it\n$/s,
    );
    expect(JSON.parse((await run(world, 'check --json')).out)).toMatchObject({
      ok: false,
      not_yet: [{}],
      problems: [],
    });
  });

  test('counts the rules that an outage would change, and lists them and their like only when asked', async () => {
    const world = fakeWorld();
    const policy = loadPolicy({
      files: readerOf({ digest: '', policy: 'p', files: [{ path: 'p.yaml', text: TWO_RULES }], installation: NOWHERE }),
      path: 'p.yaml',
      catalog: CHECKS,
      installation: NOWHERE,
      routes: [],
      digest: (text) => text,
    }).policy!;
    world.loaded = { ...world.loaded, policies: new Map([['p', policy]]) };
    const quiet = await run(world, 'check');
    expect(quiet.status).toBe(0);
    expect(quiet.out).toContain('warning: "b" is never asked: "a" above it always holds\n');
    expect(quiet.out).toContain('an outage of a check would change 1 rule: `postern check --lint` lists them\n');
    expect(quiet.out).toMatch(/, 1 warning\n$/);
    const { out } = await run(world, 'check --lint');
    expect(out).toContain('an outage of rdns changes the rule "c"');
  });

  test('with --json gives the problems as data', async () => {
    const { out } = await run(withProblems(problem('error')), 'check --json');
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ place: { line: 12 } }] });
  });

  test('looks at secrets unless told not to', async () => {
    const world = fakeWorld();
    await run(world, 'check');
    await run(world, 'check --no-secrets --config other.yaml');
    expect(world.asked).toEqual(['load postern.yaml with secrets', 'load other.yaml']);
  });
});

describe('a command that needs a sound configuration', () => {
  test.each(['explain', 'test', 'log', 'queue list', `trace ${RECORD_ID}`])(
    '%s stops at its first error, having told all of them',
    async (line) => {
      const { status, out, err } = await run(withProblems(problem('error'), problem('warning')), line);
      expect({ status, out }).toEqual({ status: 1, out: '' });
      expect(err).toMatch(
        /inbound\.yaml:12:7: error.*postern\.yaml has 1 error; `postern check` lists every problem\n$/s,
      );
    },
  );
});

describe('postern trace', () => {
  test('tells the story of a record by its id, with or without a recipient, in any case', async () => {
    const world = fakeWorld();
    world.store.records.append(aRecord(), [
      { recordId: RECORD_ID, at: NOON, recipient: 1, kind: 'delivered', by: 'mail1:25', text: '250 ok' },
    ]);
    for (const id of [RECORD_ID, `${RECORD_ID}.2`, RECORD_ID.toUpperCase()]) {
      const { status, out } = await run(world, `trace ${id}`);
      expect(status).toBe(0);
      expect(out).toMatch(/^who .*HELD {4}allow {7}partners.*delivered {2}\.1 {2}mail1:25 {2}250 ok\n$/s);
    }
    expect(JSON.parse((await run(world, `trace ${RECORD_ID} --json`)).out)).toMatchObject({
      id: RECORD_ID,
      events: [{}],
    });
  });
});

describe('postern log', () => {
  const several = (): FakeWorld => {
    const world = fakeWorld();
    for (let n = 0; n < 5; n++) {
      const at = NOON - n * 3_600_000;
      world.store.records.append(sampleRecord(sampleId(at), { at }), []);
    }
    return world;
  };
  const hours = (out: string) =>
    out
      .trim()
      .split('\n')
      .map((line) => line.slice(11, 13));

  test('lists records, oldest first; the newest so many', async () => {
    expect(hours((await run(several(), 'log')).out)).toEqual(['08', '09', '10', '11', '12']);
    expect(hours((await run(several(), 'log --limit 2')).out)).toEqual(['11', '12']);
  });

  test('times may be spans ago or moments', async () => {
    expect(hours((await run(several(), 'log --since 90m')).out)).toEqual(['11', '12']);
    expect(hours((await run(several(), 'log --until 2026-11-22T09:30:00Z')).out)).toEqual(['08', '09']);
  });

  test('searches by what the store can search; nothing found is a no', async () => {
    expect((await run(several(), 'log --from alice@example.org --to bob@example.com')).status).toBe(0);
    expect(await run(several(), 'log --from eve@example.org')).toMatchObject({ status: 1, out: '' });
  });

  test('with --json gives records with their later events, a line each', async () => {
    const world = several();
    await world.store.records.addEvents([
      { recordId: sampleId(NOON), at: NOON, recipient: 1, kind: 'delivered', by: 'x', text: '' },
    ]);
    const { out } = await run(world, 'log --since 1m --json');
    expect(JSON.parse(out)).toMatchObject({ events: [{ kind: 'delivered' }] });
  });

  test('with -f goes on as records come, each once, until it is told to end', async () => {
    const world = several();
    const end = new AbortController();
    let polls = 0;
    const live = {
      ...world,
      signal: end.signal,
      sleep: async () => {
        polls += 1;
        if (polls === 2) world.store.records.append(sampleRecord(sampleId(NOON + 5000), { at: NOON + 5000 }), []);
        if (polls > 4) end.abort();
        end.signal.throwIfAborted();
      },
    };
    expect(await runCli(['log', '-f', '--limit', '1'], live)).toBe(0);
    expect(hours(world.written.out)).toEqual(['12', '12']);
  });
});

const NOWHERE = { domains: {} };
const TWO_RULES = `policy: p
checks: { connect: [{ rdns: {} }] }
rules:
  rcpt: [{ name: c, when: "rdns.result == 'fail'", score: 1 }]
  data: [{ name: a, accept: {} }, { name: b, score: 1 }]
`;
