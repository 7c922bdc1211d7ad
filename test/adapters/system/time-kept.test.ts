/** Whether the clock is kept, asked of a program in the place of timedatectl. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { timeKept } from '../../../src/adapters/system/time-kept.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

const never = new AbortController().signal;

function program(script: string): string {
  const path = join(temporaryFolder(), 'timedatectl');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('yes, no, and everything else', async () => {
  const asked = 'test "$*" = "show --property=NTPSynchronized --value" || exit 9';
  expect(await timeKept(never, program(`${asked}\necho yes`))).toEqual({ kind: 'kept' });
  expect(await timeKept(never, program('echo no'))).toEqual({ kind: 'adrift' });
  expect(await timeKept(never, program('echo yes; exit 1'))).toMatchObject({ kind: 'unknown' });
  expect(await timeKept(never, program('echo maybe'))).toMatchObject({ kind: 'unknown' });
  expect(await timeKept(never, '/nowhere/timedatectl')).toEqual({
    kind: 'unknown',
    why: '/nowhere/timedatectl is not here',
  });
});

test('a program that hangs is ended with the examination', async () => {
  const asked = timeKept(AbortSignal.timeout(50), program('exec sleep 60'));
  expect(await asked).toMatchObject({ kind: 'unknown', why: expect.stringContaining('does not say') });
});
