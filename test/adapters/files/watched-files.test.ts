import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { watchedFiles } from '../../../src/adapters/files/watched-files.ts';
import type { Reading } from '../../../src/ports/watched-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a watched file tells what it holds, when it is replaced, and when it is gone', async () => {
  const path = join(folder, 'recipients.txt');
  const told: Reading[] = [];
  let heard = (): void => {};
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      heard = resolve;
    });
  writeFileSync(path, 'alice\n');
  const stop = watchedFiles().watch(path, (reading) => {
    told.push(reading);
    heard();
  });
  expect(told).toEqual([{ kind: 'read', text: 'alice\n', modifiedAt: expect.any(Number) }]);

  let change = next();
  writeFileSync(`${path}.new`, 'alice\nbob\n');
  renameSync(`${path}.new`, path);
  await change;
  expect(told.at(-1)).toMatchObject({ kind: 'read', text: 'alice\nbob\n' });

  change = next();
  rmSync(path);
  await change;
  expect(told.at(-1)).toMatchObject({ kind: 'failed', why: expect.stringContaining('no such file') });
  expect(told).toHaveLength(3);
  stop();
});

test('a file in a folder that is not there is one that cannot be read', () => {
  const told: Reading[] = [];
  watchedFiles().watch(join(folder, 'none', 'recipients.txt'), (reading) => told.push(reading))();
  expect(told).toMatchObject([{ kind: 'failed' }]);
});
