/** The files of docs/systemd, read by systemd's own tools: no word it does not know, no exposure beyond what is written down. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/store-folder.ts';

const exec = promisify(execFile);
const SOURCE = fileURLToPath(new URL('../../docs/systemd', import.meta.url));

/** 0 where it is not there. */
const version = ((): number => {
  try {
    return Number(/^systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version']).toString())?.[1]);
  } catch {
    return 0;
  }
})();
if (version === 0) process.stderr.write('SKIPPED: needs systemd-analyze: apt-get install systemd\n');

/** The units with programs that are there, so that nothing but our words is complained about. */
function units(): string {
  const folder = temporaryFolder();
  cpSync(SOURCE, folder, { recursive: true });
  const service = readFileSync(join(folder, 'postern.service'), 'utf8');
  writeFileSync(
    join(folder, 'postern.service'),
    service.replaceAll('/opt/postern/node_modules/.bin/node', process.execPath),
  );
  const dropIn = join(folder, 'postern.service.d/old-systemd.conf');
  writeFileSync(
    dropIn,
    readFileSync(dropIn, 'utf8').replaceAll('/opt/postern/node_modules/.bin/node', process.execPath),
  );
  return folder;
}

describe.skipIf(version === 0)('systemd', () => {
  test('knows every word of the units; one before 253 the drop-in for it', async () => {
    const cwd = units();
    const { stdout, stderr } = await exec('systemd-analyze', ['verify', './postern.service', './postern.socket'], {
      cwd,
    });
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('postern'));
    // The words before the drop-in's: it is overridden by it.
    const known = version < 253 ? [expect.stringMatching(/Failed to parse service type, ignoring: notify-reload/)] : [];
    expect(said).toEqual(known);
  });

  test('rates the exposure at 2.0 of 10 at most', async () => {
    const cwd = units();
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', './postern.service'];
    await expect(exec('systemd-analyze', args, { cwd })).resolves.toMatchObject({
      stdout: expect.stringMatching(/Overall exposure level .*: 1\.\d OK/),
    });
  });

  test('makes the user and the folders it says', async () => {
    const folder = units();
    const root = temporaryFolder();
    for (const [kind, file] of [
      ['sysusers.d', 'sysusers.conf'],
      ['tmpfiles.d', 'tmpfiles.conf'],
    ] as const) {
      mkdirSync(join(root, 'etc', kind), { recursive: true });
      cpSync(join(folder, file), join(root, 'etc', kind, 'postern.conf'));
    }
    await exec('systemd-sysusers', [`--root=${root}`, 'postern.conf']);
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
      /^postern:x:(\d+):\1:Postern mail gateway:\/var\/lib\/postern:\/usr\/sbin\/nologin$/m,
    );
    const gid = /^postern:x:(\d+):/m.exec(readFileSync(join(root, 'etc/group'), 'utf8'))![1];
    if (process.getuid?.() !== 0) return;
    await exec('systemd-tmpfiles', [`--root=${root}`, '--create', 'postern.conf']);
    const { stdout } = await exec('stat', ['-c', '%a %u %g', 'etc/postern', 'etc/postern/secrets'], { cwd: root });
    expect(stdout).toBe(`750 0 ${gid}\n750 0 ${gid}\n`);
  });
});
