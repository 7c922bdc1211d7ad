/** Real daemons for tests: finds or installs them, starts a recipe of this folder, waits until it is ready, and ends it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);

interface Needed {
  /** Its absolute path in Debian. */
  readonly program: string;
  readonly package: string;
  /** Answers to debconf's questions, one a line. */
  readonly preseed?: string;
}

const KNOWN = {
  unbound: { program: '/usr/sbin/unbound', package: 'unbound' },
  rbldnsd: { program: '/usr/sbin/rbldnsd', package: 'rbldnsd' },
  postfix: {
    program: '/usr/sbin/postfix',
    package: 'postfix',
    preseed: 'postfix postfix/main_mailer_type select No configuration\n',
  },
  dovecot: { program: '/usr/lib/dovecot/lmtp', package: 'dovecot-lmtpd' },
  knot: { program: '/usr/sbin/knotd', package: 'knot' },
  opendkim: { program: '/usr/sbin/opendkim', package: 'opendkim' },
  nmap: { program: '/usr/bin/nmap', package: 'nmap' },
  clamd: { program: '/usr/sbin/clamd', package: 'clamav-daemon' },
  clamavTestfiles: { program: '/usr/share/clamav-testfiles/clam.exe', package: 'clamav-testfiles' },
  spamd: { program: '/usr/sbin/spamd', package: 'spamd' },
  rspamd: { program: '/usr/bin/rspamd', package: 'rspamd' },
  slapd: {
    program: '/usr/sbin/slapd',
    package: 'slapd',
    preseed: 'slapd slapd/no_configuration boolean true\n',
  },
  // The server itself lies in a folder that is named by its version.
  postgres: { program: '/usr/share/postgresql-common/pg_wrapper', package: 'postgresql' },
  swaks: { program: '/usr/bin/swaks', package: 'swaks' },
} satisfies { readonly [name: string]: Needed };

export type Program = keyof typeof KNOWN;

/**
 * Sees that these programs are there, installing what is missing when we may. Answers why the tests must be skipped, or ''.
 * Use at the top of a file: `const missing = await provide('unbound'); describe.skipIf(missing !== '')(…)`.
 */
export async function provide(...names: readonly Program[]): Promise<string> {
  const missing = (): readonly Needed[] =>
    names.map((name) => KNOWN[name]).filter(({ program }) => !existsSync(program));
  if (missing().length > 0 && process.getuid?.() === 0) await install(missing());
  const packages = missing().map((needed) => needed.package);
  if (packages.length === 0) return '';
  const why = `needs Debian's ${packages.join(', ')}: run as root, or apt-get install ${packages.join(' ')}`;
  process.stderr.write(`SKIPPED: ${why}\n`);
  return why;
}

export interface Daemon {
  readonly port: number;
  /** Its own folder, removed when it ends. */
  readonly dir: string;
  /** Everything its READY line says. */
  readonly values: { readonly [key: string]: string };
  stop(): Promise<void>;
}

/** Starts `test/daemons/RECIPE.sh`; rejects with what it said when it ends before it is ready. */
export function startDaemon(recipe: string, env: { readonly [name: string]: string } = {}): Promise<Daemon> {
  const script = fileURLToPath(new URL(`./${recipe}.sh`, import.meta.url));
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  const child = spawn('bash', [script], {
    env: { ...process.env, PATH: path, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let said = '';
  return new Promise<Daemon>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const line = /^READY \S+ (.*)$/m.exec(said);
      if (line !== null) resolve(daemon(child, ended, line[1]!));
    });
    child.once('error', reject);
    void ended.then(() =>
      reject(new Error(`Cannot use ${recipe} as it must say READY: it ended and said "${said.trim()}"`)),
    );
  });
}

function daemon(child: ChildProcess, ended: Promise<void>, line: string): Daemon {
  const values = Object.fromEntries(
    line.split(' ').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  return {
    port: Number(values.port),
    dir: values.dir ?? '',
    values,
    stop: () => {
      child.stdin?.end();
      return ended;
    },
  };
}

/** The texts of all files of a folder that a daemon delivers to: none while it has not made it. */
export const filesOf = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1')) : [];

/** Debian starts a service it installs unless this file forbids it. */
const POLICY_RC = '/usr/sbin/policy-rc.d';

async function install(needed: readonly Needed[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ours = !existsSync(POLICY_RC);
  if (ours) writeFileSync(POLICY_RC, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    for (const { preseed } of needed) if (preseed !== undefined) await answer(preseed);
    await exec('apt-get', ['update', '-q'], { env });
    const packages = needed.map((each) => each.package);
    await exec('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], {
      env,
      maxBuffer: 16 << 20,
    });
  } catch (error) {
    // What is still missing is named by the caller; why stands here.
    process.stderr.write(`apt-get could not install: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    if (ours) rmSync(POLICY_RC);
  }
}

function answer(preseed: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('debconf-set-selections', { stdio: ['pipe', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('close', () => resolve());
    child.stdin.end(preseed);
  });
}
