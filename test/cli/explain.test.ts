import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { fakeWorld } from '../support/cli-world.ts';
import { aRecord, RULES } from '../support/record.ts';

async function explain(words: readonly string[], files: { readonly [path: string]: string } = {}) {
  const world = fakeWorld(files);
  const played: Scenario[] = [];
  world.play = async (scenario) => {
    played.push(scenario);
    if (scenario.helo === 'broken') throw new Error('the client said nothing');
    if (scenario.client_ip === 'nowhere')
      throw new RangeError('Cannot rehearse a client at "nowhere" as client_ip must be an IPv4 or IPv6 address');
    // The later ones are done first: order must not depend on it.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 10 - played.length)));
    return { record: aRecord({ listener: scenario.helo ?? 'mx' }), policy: { rules: RULES } };
  };
  const status = await runCli(['explain', ...words], world);
  return { status, played, ...world.written, world };
}
const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('postern explain', () => {
  test('every option stands in the scenario under its name with underscores', async () => {
    const { status, played } = await explain(
      [
        'mail.eml',
        '--listener',
        'mx',
        '--client-ip',
        '192.0.2.1',
        '--client-name',
        'a.example',
        '--helo',
        'h',
        '--mail-from',
        '<>',
      ]
        .concat([
          '--rcpt',
          'b@example.com',
          '--rcpt',
          'c@example.com',
          '--tls',
          '--auth-user',
          'u',
          '--now',
          '2026-11-22T10:00:00Z',
        ])
        .concat(['--dns', 'zones.yaml', '--state', 'fresh', '--answers', 'answers.yaml', '--live', '--all-stages']),
      { 'answers.yaml': 'clamav: { result: clean }' },
    );
    expect(status).toBe(0);
    expect(played).toEqual([
      {
        listener: 'mx',
        client_ip: '192.0.2.1',
        client_name: 'a.example',
        helo: 'h',
        mail_from: '<>',
        rcpt: ['b@example.com', 'c@example.com'],
        tls: true,
        auth_user: 'u',
        now: '2026-11-22T10:00:00Z',
        dns: 'zones.yaml',
        message: 'mail.eml',
        state: 'fresh',
        answers: { clamav: { result: 'clean' } },
        live: true,
        all_stages: true,
      },
    ]);
  });

  test('prints the verdicts, then the story', async () => {
    const { out } = await explain([]);
    expect(out).toMatch(
      /^accept {2}bob@example\.com \(otherwise\) {2}250 .*\nquarantine {2}carol@example\.com \(rule:dmarc-hold\) .*\n\nwho {3}192/,
    );
  });

  test('with --json prints the record alone', async () => {
    const { out } = await explain(['--json']);
    expect(JSON.parse(out)).toMatchObject({
      facts: { spf: { result: 'pass' } },
      recipients: [{ verdict: 'accept' }, {}],
    });
  });

  test.each(['@', 'a@-x.example', 'no.at', '<a"b@x>'])(
    'a sender %s, which SMTP refuses, is played, and is told',
    async (sender) => {
      const { status, err, out, played } = await explain(['--mail-from', sender, '--rcpt', 'also bad']);
      expect({ status, from: played[0]!.mail_from }).toEqual({ status: 0, from: sender });
      expect(err).toMatch(/^warning: mail_from .* 501 5\.1\.7 .*\nwarning: rcpt "also bad" .* 501 5\.1\.3 .*\n$/);
      expect(out).not.toContain('warning');
      const json = await explain(['--json', '--mail-from', sender]);
      expect(json.err).toBe('');
      expect(JSON.parse(json.out).warnings).toHaveLength(1);
    },
  );

  test.each(['', '<>', 'a@x.example', '<a@x.example>', '"a b"@x.example', 'ü@x.example'])(
    'a sender %j is told of nothing',
    async (sender) => {
      const { err, out } = await explain(['--json', '--mail-from', sender]);
      expect([err, JSON.parse(out).warnings]).toEqual(['', undefined]);
    },
  );

  test('a scenario that cannot be played is told, exit 1', async () => {
    const { status, err } = await explain(['--helo', 'broken']);
    expect({ status, err }).toEqual({ status: 1, err: 'postern: the client said nothing\n' });
  });

  test('answers that are none are refused before anything is loaded', async () => {
    const { status, err, world } = await explain(['--answers', 'a.yaml'], { 'a.yaml': '- clamav' });
    expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining('a.yaml does not hold answers') });
    expect(world.asked).toEqual([]);
  });
});

describe('postern explain --batch', () => {
  const batch = (text: string, ...words: string[]) =>
    explain(['--batch', 'in.jsonl', ...words], { 'in.jsonl': text, 'answers.yaml': 'clamav: { result: clean }' });

  test('one line in, one record out, in order', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `client-${n}`);
    const { status, out } = await batch(names.map((helo) => JSON.stringify({ helo })).join('\n'));
    expect(status).toBe(0);
    expect(lines(out).map(({ listener }) => listener)).toEqual(names);
  });

  test('what the command line says stands under every line', async () => {
    const { played } = await batch(
      '{"helo":"a","raw":"Subject: x"}\n\n{"dns":{"a.example":["TIMEOUT"]}}',
      '--dns',
      'z.yaml',
    );
    expect(played).toEqual([{ helo: 'a', raw: 'Subject: x', dns: 'z.yaml' }, { dns: { 'a.example': ['TIMEOUT'] } }]);
  });

  test('answers may stand in a file', async () => {
    expect((await batch('{"answers":"answers.yaml"}')).played).toEqual([{ answers: { clamav: { result: 'clean' } } }]);
  });

  test('a line that cannot be played gives an error in its place, and exit 1', async () => {
    const { status, out } = await batch(
      '{"helo":"a"}\n{"clientip":1}\n{nonsense\n{"helo":"broken"}\n{"rcpt":"b"}\n[]\n{"helo":"z"}',
    );
    expect(status).toBe(1);
    expect(lines(out)).toMatchObject([
      { listener: 'a' },
      {
        line: 2,
        error: '"clientip" is not a key that may stand here',
        remedy: expect.stringMatching(/did you mean "client_ip"\? valid here: listener, client_ip, /),
      },
      {
        line: 3,
        error: expect.stringMatching(/^this is no JSON: /),
        remedy: expect.stringContaining('{"client_ip":"192.0.2.1"'),
      },
      { line: 4, error: 'the client said nothing', remedy: expect.stringContaining('play it again') },
      { line: 5, error: 'rcpt: "b" is a text, not a list', remedy: expect.stringContaining('such as bob@example.com') },
      { line: 6, error: 'this is JSON, and no object', remedy: expect.stringContaining('as a JSON object') },
      { listener: 'z' },
    ]);
  });

  test('what a rehearsal itself refuses says what must be as its remedy', async () => {
    const { out } = await batch('{"client_ip":"nowhere"}');
    expect(lines(out)).toEqual([
      {
        line: 1,
        error: 'Cannot rehearse a client at "nowhere"',
        remedy: 'client_ip must be an IPv4 or IPv6 address',
      },
    ]);
  });

  test('a line that SMTP would have refused is played, and says so', async () => {
    const { status, out } = await batch('{"mail_from":"a b@x"}\n{"mail_from":"a@x.example"}');
    expect(status).toBe(0);
    expect(lines(out).map(({ warnings }) => warnings)).toEqual([
      [expect.stringMatching(/^mail_from "a b@x" is played as it stands; SMTP answers 501 5\.1\.7 to it: /)],
      undefined,
    ]);
  });
});
