/** Policies and the services they ask: what `serve` refuses, what guards away, what a rehearsal may say in a daemon's place. */
import { expect, test } from 'vitest';
import { watchedFiles } from '../../src/adapters/files/watched-files.ts';
import { ServiceClients } from '../../src/adapters/services/service-clients.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { configure } from '../../src/main/configure.ts';
import { openRehearsals } from '../../src/main/rehearsals.ts';
import { policyFromBundle } from '../../src/policy/load-policy.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { rerun } from '../../src/record/rerun.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { hostileService } from '../support/hostile-service.ts';
import { installationFolder } from '../support/installation-folder.ts';

const policy = (guard: string): string => `policy: inbound
settings: { scan: { type: bool, default: true } }
checks:
  content:
    - clamav: { ${guard} }
rules:
  content:
    - name: infected
      when: "clamav.result == 'infected'"
      reject: { code: 550, enhanced: 5.7.1, text: "malware: {clamav.signature}" }
    - name: unscanned
      when: "!services.clamav"
      note: "nobody looks"
`;
const LINES = [
  'domains: { files.test: { route: files, recipients: any } }',
  'routes: { files: { protocol: maildir, path: mail } }',
];

function configured(
  guard: string,
  services = '',
  clients = new ServiceClients(systemClock, () => {}),
  policies = { inbound: policy(guard) },
) {
  const { config, folder } = installationFolder(
    [...LINES, ...(services === '' ? [] : [`services: { ${services} }`])],
    policies,
  );
  const lists = new RecipientLists(watchedFiles(), silentLog);
  const found = configure(config, systemClock, lists, () => [], 'read', undefined, clients);
  if (found.current === undefined) throw new Error(JSON.stringify(found.problems));
  return { ...found, current: found.current, folder };
}
const SCENARIO: Scenario = {
  client_ip: '192.0.2.1',
  mail_from: 'a@example.org',
  rcpt: ['b@files.test'],
  raw: 'Subject: x\n\nhello\n',
  dns: {},
};
const INFECTED: Scenario = { ...SCENARIO, answers: { clamav: { result: 'infected', signature: 'Eicar' } } };
const play = async (guard: string, scenario: Scenario, services = '') => {
  const rehearsals = openRehearsals(configured(guard, services).current);
  return rehearsals.start()(scenario);
};

test('a check whose service is not configured is told with its place and both remedies', () => {
  const { notYet, folder } = configured('');
  expect(notYet).toMatchObject([
    {
      place: { line: 5 },
      message: 'clamav asks clamav, which is not configured',
      remedy:
        'add `services: { clamav: { address: "unix:/run/clamav/clamd.ctl" } }` to postern.yaml, ' +
        'or guard the check: `when: services.clamav`',
      excerpt: '    - clamav: {  }',
    },
  ]);
  expect(notYet[0]?.place.file).toContain(folder);
});

test.each([
  ['when: services.clamav', '', 0],
  ['when: "services.clamav && settings.scan"', '', 0],
  ['when: "settings.scan || services.clamav"', '', 1],
  ['when: settings.scan', '', 1],
  ['', 'clamav: { address: "127.0.0.1" }', 0],
  ['', 'rspamd: { url: "http://127.0.0.1" }', 1],
])('guard "%s", services "%s": %i to mend', (guard, services, count) => {
  expect(configured(guard, services).notYet).toHaveLength(count);
});

test('a policy that no listener has is not in force, and asks what it likes', () => {
  const policies = { inbound: 'policy: inbound\n', other: policy('').replace('inbound', 'other') };
  expect(configured('', '', undefined, policies).notYet).toEqual([]);
});

test('a misspelt service is told', () => {
  expect(() => configured('when: services.clamv')).toThrow('clamv');
});

test('without answers and without --live no daemon is asked', async () => {
  const { record } = await play('', SCENARIO, 'clamav: { address: "127.0.0.1:1" }');
  expect(record.checks).toMatchObject([{ name: 'clamav', status: 'skipped', why: 'not asked' }]);
  expect(record.recipients).toMatchObject([{ verdict: 'accept' }]);
});

test('guarded away: skipped by its guard, and rules may know it', async () => {
  const { record } = await play('when: services.clamav', SCENARIO);
  expect(record.checks).toMatchObject([{ status: 'skipped', why: 'guard' }]);
  expect(record.facts.clamav).toMatchObject({ result: 'none' });
  expect(JSON.stringify(record.recipients)).toContain('nobody looks');
  // A constant of the bundle: not in each record.
  expect(record.facts.services).toBeUndefined();
});

test.each(['failed', 'timed_out'])(
  'a daemon that is away can be rehearsed: %s, and its on_error speaks',
  async (status) => {
    const { record } = await play('', { ...SCENARIO, answers: { clamav: { status } } });
    expect(record.checks).toMatchObject([{ name: 'clamav', status, why: 'answer given' }]);
    expect(record.recipients).toMatchObject([{ verdict: 'defer', reason: 'on_error:clamav' }]);
  },
);

test('an answer that no scanner gives is refused, not taken for a clean one', async () => {
  const answers = { clamav: { result: 'infectd' } };
  await expect(play('', { ...SCENARIO, answers })).rejects.toThrow(
    'Cannot rehearse with these answers as clamav.result is never "infectd": did you mean "infected"?',
  );
});

test.each(['', 'when: services.clamav', 'when: "services.clamav && settings.scan"'])(
  'an answer given stands for the daemon, whether one is configured or not, with the guard "%s"',
  async (guard) => {
    for (const services of ['', 'clamav: { address: "127.0.0.1:1" }']) {
      const { record } = await play(guard, INFECTED, services);
      expect(record.recipients).toMatchObject([{ verdict: 'reject', reason: 'rule:infected' }]);
      expect(JSON.stringify(record.recipients)).not.toContain('nobody looks');
    }
  },
);

test('the rest of a guard still holds where an answer is given', async () => {
  const { record } = await play('when: "services.clamav && !settings.scan"', INFECTED);
  // A guard that reads settings is each recipient's own.
  expect(record.recipients[0]?.checks).toMatchObject([{ status: 'skipped', why: 'guard' }]);
});

test('a record of either kind gives the same verdict again from its own bundle', async () => {
  for (const scenario of [SCENARIO, INFECTED]) {
    const { record, policy: played } = await play('when: services.clamav', scenario);
    const again = policyFromBundle((played as Policy).bundle, CHECKS, () => record.bundle);
    expect(rerun(record, again).recipients).toMatchObject([{ verdict: record.recipients[0]?.verdict }]);
  }
});

test('a reload that leaves a service alone keeps its client and what is known of it; another address is another', () => {
  const clients = new ServiceClients(systemClock, () => {});
  const at = (port: number) =>
    configured('', `clamav: { address: "127.0.0.1:${port}" }`, clients).current.services.clamav;
  const first = at(1);
  expect(at(1)).toBe(first);
  expect(at(2)).not.toBe(first);
  clients.only({});
  expect(at(1)).not.toBe(first);
});

test('with --live the daemon is asked', async () => {
  const { port } = await hostileService((socket) => {
    socket.on('data', (chunk) => {
      if (chunk.includes('zVERSION\0')) socket.end('ClamAV 1.0.0\0');
      else if (chunk.includes(Buffer.alloc(4))) socket.end('stream: Eicar FOUND\0');
    });
  });
  const services = `clamav: { address: "127.0.0.1:${port}" }`;
  const { record } = await play('when: services.clamav', { ...SCENARIO, live: true }, services);
  expect(record.facts.clamav).toMatchObject({ result: 'infected', signature: 'Eicar', version: 'ClamAV 1.0.0' });
  const alone = await play('', { ...SCENARIO, live: true });
  expect(alone.record.recipients).toMatchObject([{ verdict: 'defer', reason: 'on_error:clamav' }]);
});
