/** What is installed: compiled, with production's packages alone, read-only, run by an ordinary user with the unit's privileges. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../support/built-app.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type InstallationFolder, installationFolder } from '../support/installation-folder.ts';
import { Line } from '../support/letter-clients.ts';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const UNIT = readFileSync(join(ROOT, 'docs/systemd/postern.service'), 'utf8');
const NOBODY = 65534;
const root = process.getuid?.() === 0;

const works = (program: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const canDrop = root && works('setpriv', '--version');
const canMount = canDrop && works('unshare', '--mount', 'true');
if (!canDrop) process.stderr.write('SKIPPED: to run as another user needs root and setpriv (util-linux)\n');
else if (!canMount)
  process.stderr.write('SKIPPED: a read-only root needs unshare --mount: file modes alone protect here\n');

const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)?.[1] ?? '';

let built: BuiltApp;
beforeAll(async () => {
  built = await buildApp();
});
afterAll(() => built.remove());

/** Everything read-only but one folder, then the unit's privileges, then the gateway. It ends with 99 where it can write elsewhere. */
const CONFINED = `
umask "$1"; writable=$2; elsewhere=$3; mounts=$4; shift 4
if [ "$mounts" = yes ]; then
  mount --make-rprivate / && mount --bind "$writable" "$writable" && mount -o remount,bind,ro / || exit 98
  at=$(findmnt -no TARGET -T "$elsewhere"); [ "$at" = / ] || mount -o remount,bind,ro "$at" || exit 98
  touch "$elsewhere/probe" 2>/dev/null && exit 99
fi
cd "$writable" && exec setpriv "$@"
`;

function confined({ folder, store }: InstallationFolder): readonly [string, ...string[]] {
  const elsewhere = join(built.stage, 'elsewhere');
  mkdirSync(elsewhere, { recursive: true });
  chmodSync(elsewhere, 0o777);
  mkdirSync(store);
  chownSync(store, NOBODY, NOBODY);
  for (const path of [folder, join(folder, 'policies'), join(folder, 'postern.yaml')]) chmodSync(path, 0o755);
  const kept = setting('CapabilityBoundingSet').toLowerCase().replace('cap_', '');
  const only = `-all,+${kept}`;
  return [
    ...(canMount ? (['unshare', '--mount'] as const) : (['env'] as const)),
    '/bin/sh',
    '-c',
    CONFINED,
    'sh',
    setting('UMask'),
    store,
    elsewhere,
    canMount ? 'yes' : 'no',
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    ...(setting('NoNewPrivileges') === 'yes' ? ['--no-new-privs'] : []),
    `--bounding-set=${only}`,
    `--inh-caps=${only}`,
    `--ambient-caps=${only}`,
    ...built.program,
  ];
}

/** A port that only the capability opens. */
async function lowPort(): Promise<number> {
  for (let port = 1023; port > 600; port--) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise<void>((done) => server.close(() => done()));
    if (free) return port;
  }
  throw new Error('Cannot show the capability as a port below 1024 must be free: none is');
}

const LINES = [
  'domains: { mail.test: { route: files, recipients: any } }',
  'routes: { files: { protocol: maildir, path: store/mail } }',
];

async function send(port: number): Promise<string> {
  const line = new Line(port);
  try {
    await line.replies(1);
    await line.say('EHLO client.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\n', 4);
    return (await line.say('Subject: built\r\n\r\nhello\r\n.\r\n', 1))[0]!;
  } finally {
    line.close();
  }
}

const inbox = (at: InstallationFolder) => join(at.store, 'mail/mail.test/bob/new');
const arrived = (at: InstallationFolder) => (existsSync(inbox(at)) ? readdirSync(inbox(at)).length : 0);

/** Its lines of /proc/PID/status, by name. */
const statusOf = (pid: number): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const),
  );

describe('the compiled program', () => {
  test('needs nothing but its own folder and production packages: check, schema and status work', async () => {
    const at = installationFolder(LINES);
    const run = async (...args: readonly string[]) => {
      const [file, main] = built.program;
      return exec(file, [main, ...args], { cwd: at.folder, env: {} });
    };
    expect((await run('check')).stdout).toMatch(/./);
    expect(JSON.parse((await run('schema', 'policy')).stdout)).toMatchObject({ type: 'object' });
    await expect(run('status')).rejects.toMatchObject({ code: 1 });
  });

  test.runIf(canDrop)(
    'takes and delivers mail on a port below 1024 as an ordinary user who may write to its store alone, and ends with 0',
    async () => {
      const at = installationFolder(LINES, undefined, { port: await lowPort() });
      const gateway = new GatewayProcess(at.config, {
        program: confined(at),
        env: { HOME: '/nonexistent', TMPDIR: '/nonexistent', NODE_COMPILE_CACHE: '' },
      });
      const port = await gateway.port();
      expect(port).toBeLessThan(1024);

      const status = statusOf(gateway.pid);
      const bind = (1n << 10n).toString(16).padStart(16, '0');
      expect(Object.fromEntries(['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, status.get(set)]))).toEqual(
        {
          CapPrm: bind,
          CapEff: bind,
          CapBnd: bind,
          CapAmb: bind,
        },
      );
      expect(status.get('Uid')).toMatch(/^(65534\s*){4}$/);
      expect(status.get('Groups')).toBe('');
      expect(status.get('NoNewPrivs')).toBe('1');

      expect(await send(port)).toMatch(/^250 2\.0\.0 queued as /);
      await expect.poll(() => arrived(at), { timeout: 20_000 }).toBe(1);
      // UMask=0027: nothing it writes is for everybody.
      const loose = readdirSync(at.store, { recursive: true, encoding: 'utf8' }).filter(
        (name) => (lstatSync(join(at.store, name)).mode & 0o007) !== 0,
      );
      expect(loose).toEqual([]);
      // What the image's health check asks, as the same user.
      const asks = [
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        ...built.program,
        'status',
        '--config',
        at.config,
      ];
      expect((await exec('setpriv', asks, { cwd: '/', env: {} })).stdout).toContain(
        `running as process ${gateway.pid}`,
      );
      gateway.signal('SIGTERM');
      expect(await gateway.ended).toMatchObject({ code: 0 });
      expect(gateway.log.filter((name) => /failed|refused|fault|lost/.test(name))).toEqual([]);
    },
  );
});
