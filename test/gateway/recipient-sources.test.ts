/** Which of several sources has the word on a recipient, and what an answer is worth that none of them gave. */
import { expect, test } from 'vitest';
import type { HostedDomain } from '../../src/config/installation.ts';
import type { LdapSource, SqlSource } from '../../src/config/live-source.ts';
import { deskKey, type LiveSources } from '../../src/gateway/live-desk.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { recipientDirectory } from '../../src/gateway/recipients.ts';
import { days, hours, minutes, seconds } from '../../src/mail/time.ts';
import type { LiveAnswer } from '../../src/ports/recipients.ts';

const live = {
  ...{ timeout: seconds(5), connections: 2, knownFor: minutes(15), unknownFor: minutes(1), lastKnown: hours(1) },
  onError: 'defer' as const,
  caFile: '',
  password: undefined,
};
const LDAP: LdapSource = {
  ...live,
  kind: 'ldap',
  servers: [{ host: 'dc1.internal', port: 636, tls: 'implicit' }],
  ...{ base: 'dc=x', filter: '(mail={address})', bindDn: '', list: undefined },
};
const SQL: SqlSource = {
  ...live,
  kind: 'sql',
  ...{ host: 'db.internal', port: 5432, user: 'reader', database: 'mail', tls: 'verified', query: 'SELECT 1' },
};

/** Asks about bob at a domain with these sources; those that are live answer as told. */
async function asked(
  recipients: HostedDomain['recipients'],
  answers: ReadonlyMap<string, LiveAnswer>,
  file: { readonly text: string; readonly age: number } = { text: '', age: 0 },
) {
  const now = Date.UTC(2026, 10, 22, 10);
  const silent = { event: () => {}, warn: () => {}, error: () => {} };
  const watch: ConstructorParameters<typeof RecipientLists>[0]['watch'] = (_, tell) => {
    tell({ kind: 'read', text: file.text, modifiedAt: now - file.age });
    return () => {};
  };
  const desk: LiveSources = { open: () => {}, keep: () => {}, ask: async (key) => answers.get(key)! };
  const place = { file: 'postern.yaml', line: 1, column: 1 };
  const domain = { domain: 'store.test', route: 'store', recipients, settings: {}, place };
  const installation = {
    hostname: 'mx.gateway.test',
    store: { path: '/store', minFreeBytes: 0 },
    domains: new Map([['store.test', domain]]),
  };
  const directory = recipientDirectory(installation, new RecipientLists({ watch }, silent), { now: () => now }, desk);
  return directory.resolve({ local: 'bob', domain: 'store.test', address: 'bob@store.test' }, 'ask');
}

test('of several sources that are not sure the first is named', async () => {
  const answers = new Map<string, LiveAnswer>([
    [deskKey(LDAP), { result: 'unsure', by: 'asked' }],
    [deskKey(SQL), { result: 'unsure', by: 'on_error' }],
  ]);
  expect(await asked([LDAP, SQL], answers)).toEqual({ result: 'unsure', source: 'ldap', by: 'asked', listed: false });
});

test.each<[string, LiveAnswer, boolean]>([
  ['that was asked has the very address', { result: 'known', by: 'asked' }, true],
  ['that knew it before has it', { result: 'known', by: 'last_known' }, true],
  ['that is silent and lets everybody pass has not', { result: 'known', by: 'on_error' }, false],
])('a directory %s in its list', async (_, answer, listed) => {
  expect(await asked([LDAP], new Map([[deskKey(LDAP), answer]]))).toMatchObject({ result: 'known', listed });
});

test.each([
  ['knows whom it does not name', hours(1), hours(23), 'unknown'],
  ['is not sure of them once it should have been loaded anew', hours(1), hours(25), 'unsure'],
  ['and believed for a week knows them still', days(7), days(6), 'unknown'],
])('a directory that is loaded once a day %s', async (_, lastKnown, age, result) => {
  const list = { every: days(1), attributes: ['mail'], maxShrink: 0.1 };
  const asking = asked([{ ...LDAP, lastKnown, list }], new Map(), { text: 'alice\n', age });
  expect(await asking).toMatchObject({ result });
});
