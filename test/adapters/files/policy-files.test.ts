/** The policies' folder: whatever lies in it, reading ends, and only files are read. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { policyFolder } from '../../../src/adapters/files/policy-files.ts';
import { watchedFiles } from '../../../src/adapters/files/watched-files.ts';
import { postern } from '../../support/gateway-process.ts';
import { installationFolder } from '../../support/installation-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-policies-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

test('a pipe, a folder and a device are no files, and a file without end is an error', () => {
  writeFileSync(at('list.txt'), 'a\n');
  execFileSync('mkfifo', [at('pipe.txt')]);
  mkdirSync(at('folder.txt'));
  symlinkSync('/dev/zero', at('zero.txt'));
  writeFileSync(at('huge.txt'), '');
  truncateSync(at('huge.txt'), 1024 ** 4);
  const files = policyFolder(folder);
  expect(files.read('list.txt')).toEqual({ path: 'list.txt', text: 'a\n' });
  expect(files.glob('*.txt')).toEqual(['huge.txt', 'list.txt']);
  for (const name of ['pipe.txt', 'folder.txt', 'zero.txt']) expect(files.read(name)).toBeUndefined();
  expect(() => files.read('huge.txt')).toThrow(/at most \d+ octets long/);
});

test('a pipe for a watched list is one that cannot be read', () => {
  execFileSync('mkfifo', [at('recipients.txt')]);
  const told: unknown[] = [];
  watchedFiles().watch(at('recipients.txt'), (reading) => told.push(reading))();
  expect(told).toEqual([{ kind: 'failed', why: 'it is no file' }]);
});

test('a pipe among the lists of a policy does not hold `check` up, which says where it stands', async () => {
  const made = installationFolder([
    'domains: { mail.test: { route: files, recipients: any } }',
    'routes: { files: { protocol: maildir, path: mail } }',
  ]);
  writeFileSync(
    join(made.folder, 'policies/inbound.yaml'),
    'policy: inbound\nlists: { bad: { kind: domain, file: bad.txt } }\n',
  );
  execFileSync('mkfifo', [join(made.folder, 'policies/bad.txt')]);
  const { code, out, err } = await postern('check', '--config', made.config);
  expect(code).not.toBe(0);
  expect(out + err).toMatch(/there is no file .*bad\.txt/);
});
