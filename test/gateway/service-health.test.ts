/** An outage is told once for the whole process, whatever the threads say of it one by one. */
import { expect, test } from 'vitest';
import { DIRECTORIES, ServiceHealth } from '../../src/gateway/service-health.ts';

function health() {
  const lines: string[] = [];
  const note = (name: string, data: object = {}): void => {
    lines.push(`${name} ${Object.values(data)[0]}`);
  };
  const log = {
    event: note,
    warn: () => {},
    error: note,
  };
  const all = new ServiceHealth(log, 1000);
  const say = (thread: number, state: 'down' | 'up' | 'retired', at: number) =>
    all.heard(thread, { service: 'clamav', state, at, why: state === 'down' ? `nobody there (${thread})` : '' });
  return { lines, say, all };
}

test('down with the first thread, up with the last', () => {
  const { lines, say, all } = health();
  expect(all.status(['clamav'])).toEqual([{ service: 'clamav', state: 'up', since: 1000, lastError: '' }]);
  say(1, 'down', 2000);
  say(2, 'down', 2500);
  say(1, 'up', 3000);
  expect(all.status(['clamav', 'rspamd'])).toEqual([
    { service: 'clamav', state: 'down', since: 2000, lastError: 'nobody there (2)' },
    { service: 'rspamd', state: 'up', since: 1000, lastError: '' },
  ]);
  say(2, 'up', 4000);
  expect(lines).toEqual(['service.down clamav', 'service.up clamav']);
  expect(all.status(['clamav'])).toMatchObject([{ state: 'up', since: 4000, lastError: 'nobody there (2)' }]);
});

test('what a thread that died, or a configuration that went, said of it counts no more', () => {
  const { lines, say, all } = health();
  say(1, 'down', 2000);
  all.gone(1, 3000);
  expect(all.status(['clamav'])).toMatchObject([{ state: 'up', since: 3000 }]);
  say(2, 'down', 4000);
  say(2, 'retired', 5000);
  expect(all.status(['clamav'])).toMatchObject([{ state: 'up', since: 5000 }]);
  expect(lines).toEqual(['service.down clamav', 'service.down clamav']);
});

test('a directory of users is told in words of its own', () => {
  const lines: string[] = [];
  const note = (name: string, data: object = {}): void => void lines.push(`${name} ${Object.values(data)[0]}`);
  const all = new ServiceHealth<string>({ event: note, warn: () => {}, error: note }, 1000, DIRECTORIES);
  for (const state of ['down', 'up'] as const) all.heard(1, { service: 'people', state, at: 2000, why: '' });
  expect(lines).toEqual(['users.ldap.failed people', 'users.ldap.restored people']);
  expect(all.status(['people'])).toMatchObject([{ service: 'people', state: 'up', since: 2000 }]);
});
