/** The doctor asks each server of a directory of users, and hears what the gateway has seen. */
import { expect, test } from 'vitest';
import type { UserSourceSettings } from '../../../src/config/installation.ts';
import { examine } from '../../../src/gateway/doctor/examine.ts';
import type { LdapUsers } from '../../../src/gateway/doctor/practice.ts';
import { practice, STATUS, WELL } from '../../support/practice.ts';
import { NOON } from '../../support/samples.ts';

const source = (...hosts: readonly string[]): LdapUsers => ({
  kind: 'ldap',
  servers: hosts.map((host) => ({ host, port: 636, tls: 'implicit' })),
  ...{ ca: '', base: 'dc=x', filter: '(uid={user})', name: 'uid', addresses: [], bindDn: '', password: undefined },
  timeout: 1000,
});

test('each server with its remedy, and a directory that the gateway has no answer of', async () => {
  const well = await practice(WELL);
  const users = new Map<string, UserSourceSettings>([
    ['staff', { kind: 'file', path: '/users', place: { file: '', line: 1, column: 1 } }],
    ['people', source('one.test', 'two.test')],
    ['guests', source('all.test')],
    ['gone', source('three.test')],
  ]);
  const found = await examine(
    {
      ...well,
      installation: { ...well.installation, users },
      askUsers: async (_, { host }) => {
        if (host === 'all.test') return { kind: 'somebody' };
        return host === 'one.test' ? { kind: 'nobody' } : { kind: 'trouble', why: 'refused' };
      },
      gateway: {
        kind: 'answered',
        answer: {
          problems: [],
          status: {
            ...STATUS,
            directories: [
              { service: 'people', state: 'up', since: NOON, lastError: '' },
              { service: 'gone', state: 'down', since: NOON, lastError: 'three.test:636: refused' },
            ],
          },
        },
      },
    },
    true,
  );
  const told = found.filter(({ group }) => group === 'users');
  expect(told.map(({ level, saw }) => `${level}: ${saw}`)).toEqual([
    'ok: people, one.test:636 answers, and knows no made-up name',
    'problem: people, two.test:636 gives no answer: refused',
    'problem: guests, all.test:636 knows a made-up name',
    'problem: gone, three.test:636 gives no answer, and nobody of it logs in: refused',
    'warning: the gateway has no answer of gone: three.test:636: refused',
  ]);
  for (const { level, remedy } of told) expect(remedy !== '').toBe(level !== 'ok');
  expect(told[1]!.remedy).toContain('bind_dn');
});
