import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineFile } from '../../../src/adapters/files/line-file.ts';

let folder = '';
let said: string[] = [];
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
const log = { event: note, warn: note, error: note };
beforeEach(() => {
  said = [];
  folder = mkdtempSync(join(tmpdir(), 'lines-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('lines are appended in order, behind what was there, in folders made for it', async () => {
  const path = join(folder, 'deep/er/lines');
  for (const round of [0, 1]) {
    const file = new LineFile(path, log);
    for (let n = 0; n < 500; n++) file.write(`${round * 500 + n}\n`);
    await file.close();
  }
  expect(read('deep/er/lines')).toBe(Array.from({ length: 1000 }, (_, n) => `${n}\n`).join(''));
  expect(said).toEqual([]);
});

test('a file that was moved away gets no line after reopen', async () => {
  const file = new LineFile(join(folder, 'lines'), log);
  file.write('one\n');
  await file.close();
  const again = new LineFile(join(folder, 'lines'), log);
  again.write('two\n');
  while (read('lines') !== 'one\ntwo\n') await new Promise((next) => setImmediate(next));
  renameSync(join(folder, 'lines'), join(folder, 'lines.1'));
  again.reopen();
  again.write('three\n');
  await again.close();
  expect([read('lines.1'), read('lines')]).toEqual(['one\ntwo\n', 'three\n']);
});

test('what cannot be written is said once, and again when it can be', async () => {
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file/lines');
  const file = new LineFile(path, log);
  for (const line of ['one\n', 'two\n']) {
    file.write(line);
    await file.close();
  }
  expect(said).toEqual([expect.stringMatching(/^jsonl\.lost .*file\/lines/)]);
  rmSync(join(folder, 'file'));
  mkdirSync(join(folder, 'file'));
  file.write('three\n');
  await file.close();
  expect(read('file/lines')).toBe('three\n');
  expect(said.at(-1)).toBe(`jsonl.restored ${JSON.stringify({ path, lost: 2 })}`);
});

test('what waits is bounded', async () => {
  const file = new LineFile(join(folder, 'lines'), log);
  const line = `${'x'.repeat(1024 * 1024)}\n`;
  for (let n = 0; n < 200; n++) file.write(line);
  await file.close();
  expect(read('lines').length).toBeLessThan(70 * line.length);
  expect(said[0]).toContain('slower than the records come');
});
