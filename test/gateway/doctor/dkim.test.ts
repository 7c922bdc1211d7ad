/** The doctor over keys that sign and the records that publish them. */
import { expect, test } from 'vitest';
import type { DomainKey } from '../../../src/config/installation.ts';
import type { KeyReading } from '../../../src/config/signing-key.ts';
import { examineDkim } from '../../../src/gateway/doctor/dkim.ts';
import { examineSecrets } from '../../../src/gateway/doctor/secrets.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { practice } from '../../support/practice.ts';

const sound: KeyReading = { kind: 'read', facts: { algorithm: 'rsa-sha256', rsaBits: 2048, published: 'AAAA' } };
const gone: KeyReading = { kind: 'failed', absent: true, why: 'there is no such file', remedy: 'make it' };
const NAME = 's1._domainkey.example.com';
type State = DomainKey['state'];

async function patient(state: State, records: Zones[string], reading: KeyReading = sound) {
  const well = await practice(records.length === 0 ? {} : { [NAME]: records });
  const keys: readonly DomainKey[] = [{ selector: 's1', keyFile: '/k.pem', state, expire: undefined }];
  const installation = { ...well.installation, signing: new Map([['example.com', keys]]) };
  return { ...well, installation, signingKey: () => reading };
}
const told = async (...of: Parameters<typeof patient>) =>
  (await examineDkim(await patient(...of))).map(({ level, saw }) => `${level} ${saw}`);
const NONE = 'warning example.com has no active key: its mail leaves unsigned';
const GOOD = 'v=DKIM1; k=rsa; p=AAAA';

test.each<[State, string, Zones[string], string | RegExp]>([
  ['active', 'its record', [{ TXT: GOOD }], `ok the record ${NAME} fits the key that signs`],
  ['active', 'its record in pieces, with blanks and no version', [{ TXT: ['p=A A', 'A\tA'] }], /^ok .* fits/],
  ['active', 'nothing', [], `problem ${NAME} is not published, and mail is signed with it`],
  ['active', 'a question without an answer', ['SERVFAIL'], /^warning the question for TXT/],
  ['active', 'that of another key', [{ TXT: 'v=DKIM1; p=AAAB' }], `problem the record ${NAME} is that of another key`],
  ['active', 'that of a key of another kind', [{ TXT: 'k=ed25519; p=AAAA' }], /another kind, ed25519/],
  ['active', 'one that revokes it', [{ TXT: 'v=DKIM1; p=' }], /^problem .* revokes/],
  ['active', 'one for other hashes', [{ TXT: `${GOOD}; h=sha1` }], /^problem .* sha256/],
  ['active', 'one for other services', [{ TXT: `${GOOD}; s=tlsrpt` }], /^problem .* not for mail/],
  ['active', 'one of another version', [{ TXT: 'v=DKIM2; p=AAAA' }], /^problem .* v=DKIM2/],
  ['active', 'text of another kind', [{ TXT: 'hello' }], /^problem .* no list of tags/],
  ['active', 'two records', [{ TXT: GOOD }, { TXT: GOOD }], `problem ${NAME} has 2 TXT records`],
  ['publish', 'its record', [{ TXT: GOOD }], `ok the record ${NAME} stands: the key may be made active`],
  ['publish', 'nothing', [], `warning ${NAME} is not published yet`],
  ['retired', 'its record', [{ TXT: GOOD }], `info ${NAME} is retired, and its record still stands`],
  ['retired', 'nothing', [], `ok ${NAME} is retired, and its record is gone`],
])('%s, with %s', async (state, _, records, said) => {
  const found = (await told(state, records)).filter((one) => one !== NONE);
  expect(found).toEqual([typeof said === 'string' ? said : expect.stringMatching(said)]);
});

test('a record that says it is a test, a key that cannot be read and a domain without an active one are told', async () => {
  expect(await told('active', [{ TXT: `${GOOD}; t=s:y` }])).toEqual([
    expect.stringMatching(/^ok/),
    expect.stringMatching(/^warning .* t=y/),
  ]);
  expect(await told('active', [{ TXT: GOOD }], gone)).toEqual(['problem the file of a key: there is no such file']);
  expect(await told('retired', [], gone)).toEqual([NONE, expect.stringMatching(/^ok/)]);
});

test('a key file that others may read is a problem among the secrets; of a retired key it may be gone', async () => {
  const secrets = async (state: State, mode: number | 'absent') => {
    const one = await patient(state, []);
    const modeOf = async (path: string) => (path === '/k.pem' ? mode : 0o100600);
    return (await examineSecrets({ ...one, modeOf })).map(({ level }) => level);
  };
  expect(await secrets('active', 0o100600)).toEqual(['ok']);
  expect(await secrets('active', 0o100644)).toEqual(['problem']);
  expect(await secrets('publish', 'absent')).toEqual(['problem']);
  expect(await secrets('retired', 'absent')).toEqual([]);
});
