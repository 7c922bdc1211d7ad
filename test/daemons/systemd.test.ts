/** The files of docs/systemd, read by systemd's own tools: no word it does not know, no exposure beyond what is written down. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildApp } from '../support/built-app.ts';
import { installationFolder } from '../support/installation-folder.ts';
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

/** What systemd-probe.sh printed, or undefined where such namespaces cannot be had. */
async function machine(app: string, etc: string): Promise<ReadonlyMap<string, string> | undefined> {
  const out = temporaryFolder();
  const script = fileURLToPath(new URL('./systemd-machine.sh', import.meta.url));
  const probe = fileURLToPath(new URL('./systemd-probe.sh', import.meta.url));
  try {
    await exec('bash', [script], { env: { ...process.env, app, etc, units: SOURCE, probe, out } });
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 77) return undefined;
    throw error;
  }
  const lines = readFileSync(join(out, 'probe'), 'utf8').trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const));
}

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

  test('runs the unit: one user, one capability, three folders; mail, reload, a refused reload, a stop without loss', async (context) => {
    const { config, folder, write } = installationFolder([]);
    write(
      'postern.yaml',
      readFileSync(config, 'utf8')
        .replace('127.0.0.1:0', '0.0.0.0:25')
        .replace('path: store', 'path: /var/lib/postern')
        .concat('domains: { mail.test: { route: files, recipients: any } }\n')
        .concat('routes: { files: { protocol: maildir, path: /var/lib/postern/mail } }\n'),
    );
    const built = await buildApp();
    onTestFinished(() => built.remove());
    const found = await machine(built.app, folder);
    if (found === undefined) {
      process.stderr.write('SKIPPED: to run the unit needs root, systemd, and namespaces with cgroup2 and overlayfs\n');
      return context.skip();
    }
    const bind = (1n << 10n).toString(16).padStart(16, '0');
    expect(Object.fromEntries(found)).toEqual({
      start: '0',
      status: 'takes mail: mx 0.0.0.0:25',
      user: 'postern',
      CapEff: bind,
      CapBnd: bind,
      NoNewPrivs: '1',
      Seccomp: '2',
      mail: expect.stringMatching(/^250 2\.0\.0 queued as /),
      delivered: '1',
      // A /tmp of its own (PrivateTmp=).
      writes: ' /tmp /var/lib/postern /var/log/postern',
      reload: '0',
      refused: expect.stringMatching(/^the last reload was refused/),
      pid: 'same',
      stop: 'success 0',
      sockets: '2',
    });
  });
});
