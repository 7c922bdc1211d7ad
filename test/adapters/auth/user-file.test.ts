/** The file of users: what stands in it, who may read it, how it is changed, and what an unknown name costs. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Argon2Pool, makeArgon2, readArgon2 } from '../../../src/adapters/auth/argon2.ts';
import { changeUser } from '../../../src/adapters/auth/change-user.ts';
import { keysOf, makeScram, readScram } from '../../../src/adapters/auth/scram-verifier.ts';
import { parseUserFile, UserFile } from '../../../src/adapters/auth/user-file.ts';
import { silentLog } from '../../../src/adapters/system/log.ts';
import type { Reading } from '../../../src/ports/watched-files.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

const HASH = '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI';
const SCRAM =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

test('a line is a name, its argon2id and, where it stands there, a verifier', () => {
  const { users, bad } = parseUserFile(`# staff\n\nAlice@Example.com ${HASH} ${SCRAM}\nbob\t${HASH}\r\n`);
  expect([...users.keys()]).toEqual(['alice@example.com', 'bob']);
  expect(users.get('alice@example.com')!.scram).toMatchObject({ iterations: 4096 });
  expect(users.get('bob')!.scram).toBeUndefined();
  expect(bad).toEqual([]);
});

test.each([
  ['a password in the clear', 'alice secret', 'no argon2id'],
  ['another hash', 'alice $2b$10$abcdefghijklmnopqrstuv', 'no argon2id'],
  ['argon2i', `alice ${HASH.replace('argon2id', 'argon2i')}`, 'no argon2id'],
  ['one that would fill the memory', `alice ${HASH.replace('m=64', 'm=99999999')}`, 'no argon2id'],
  ['a verifier that is none', `alice ${HASH} SCRAM-SHA-1$4096:x$y:z`, 'no SCRAM-SHA-256'],
  ['too few rounds', `alice ${HASH} ${SCRAM.replace('4096', '1')}`, 'no SCRAM-SHA-256'],
  ['a name twice', `alice ${HASH}\nALICE ${HASH}`, 'before'],
])('a bad line is told without what stands in it: %s', (_, text, why) => {
  const { bad } = parseUserFile(text);
  expect(bad).toHaveLength(1);
  expect(bad[0]!.why).toContain(why);
  expect(bad[0]!.why).not.toContain('secret');
});

test('the verifier of RFC 7677 comes of its password', async () => {
  const { pbkdf2Sync } = await import('node:crypto');
  const verifier = readScram(SCRAM)!;
  const { storedKey, serverKey } = keysOf(pbkdf2Sync('pencil', verifier.salt, 4096, 32, 'sha256'));
  expect(storedKey.equals(verifier.storedKey)).toBe(true);
  expect(serverKey.equals(verifier.serverKey)).toBe(true);
  expect(readScram(await makeScram('pencil'))).toMatchObject({ iterations: 100_000 });
});

test('what is made fits its password and no other', async () => {
  const pool = new Argon2Pool();
  const hash = readArgon2(await makeArgon2('correct horse'))!;
  expect(await pool.fits('correct horse', hash)).toBe(true);
  expect(await pool.fits('battery staple', hash)).toBe(false);
});

test('more than can wait are told so, and all others are answered', async () => {
  const pool = new Argon2Pool();
  const hash = readArgon2(HASH)!;
  const heard = await Promise.all(Array.from({ length: 60 }, () => pool.fits('x', hash)));
  expect(heard.filter((one) => one === false)).toHaveLength(34);
  expect(heard.filter((one) => one === undefined)).toHaveLength(26);
  expect(await pool.fits('x', hash)).toBe(false);
});

test('a name that is not there costs one argon2 of the same kind, as a wrong password does', async () => {
  const asked: { memory: number; passes: number }[] = [];
  const pool = {
    fits: async (_: string, hash: { memory: number; passes: number }) => {
      asked.push({ memory: hash.memory, passes: hash.passes });
      return false;
    },
  } as unknown as Argon2Pool;
  const path = join(temporaryFolder(), 'users');
  writeFileSync(path, `alice ${HASH} ${SCRAM}\n`, { mode: 0o600 });
  const file = new UserFile(
    path,
    {
      watch: (_, tell) => {
        tell({ kind: 'read', text: readFileSync(path, 'utf8'), modifiedAt: 0 } satisfies Reading);
        return () => {};
      },
    },
    pool,
    silentLog,
  );
  expect(await file.check('alice', 'wrong')).toEqual({ kind: 'wrong', user: 'alice' });
  expect(await file.check('nobody', 'wrong')).toEqual({ kind: 'unknown' });
  expect(asked).toEqual([
    { memory: 64, passes: 1 },
    { memory: 64, passes: 1 },
  ]);
  expect(file.decoy('nobody').iterations).toBe(4096);
  expect(file.scram).toBe(true);
});

test('a user is added, changed and taken out, and what else stands in the file stays', async () => {
  const path = join(temporaryFolder(), 'users');
  const change = (user: string, password: string | undefined) => changeUser(path, { user, password, scram: false });
  expect(await change('alice', 'correct horse')).toBe('added');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, `${readFileSync(path, 'utf8')}# printers below\n`);
  chmodSync(path, 0o640);
  expect(await change('printer', 'battery staple')).toBe('added');
  const before = readFileSync(path, 'utf8').split('\n');
  expect(await change('alice', 'battery staple')).toBe('changed');
  const after = readFileSync(path, 'utf8').split('\n');
  expect(after.length).toBe(before.length);
  expect(after.filter((line, n) => line !== before[n])).toHaveLength(1);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(await change('alice', undefined)).toBe('removed');
  expect(await change('alice', undefined)).toBe('unknown');
  expect([...parseUserFile(readFileSync(path, 'utf8')).users.keys()]).toEqual(['printer']);
  chmodSync(path, 0o602);
  await expect(change('alice', 'correct horse')).rejects.toThrow('others may write it');
  for (const mode of [0o620, 0o660]) {
    chmodSync(path, mode);
    await expect(change('alice', 'correct horse'), mode.toString(8)).rejects.toThrow('others may write it');
  }
});
