/** The program as it is installed: compiled, with production's packages and a Node, nothing writable; /opt/postern in a temporary folder. */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltApp {
  /** Holds the app, and whatever a test puts beside it. */
  readonly stage: string;
  readonly app: string;
  /** Node and the program. */
  readonly program: readonly [node: string, main: string];
  remove(): void;
}

export async function buildApp(): Promise<BuiltApp> {
  const stage = mkdtempSync(join(tmpdir(), 'postern-built-'));
  const app = join(stage, 'app');
  mkdirSync(join(app, 'node_modules/.bin'), { recursive: true });
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await exec(tsc, ['-p', join(ROOT, 'src/tsconfig.build.json'), '--outDir', join(app, 'dist')]);
  const { stdout } = await exec('npm', ['ls', '--all', '--parseable', '--omit=dev', '--omit=optional'], { cwd: ROOT });
  const modules = join(ROOT, 'node_modules');
  // One within another comes along with it.
  for (const path of stdout.trim().split('\n'))
    if (path.startsWith(modules + sep) && !relative(modules, path).includes('node_modules'))
      cpSync(path, join(app, 'node_modules', relative(modules, path)), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(app, 'package.json'));
  const node = join(app, 'node_modules/.bin/node');
  cpSync(process.execPath, node);
  chmodSync(stage, 0o755);
  setModes(app, { folder: 0o555, program: 0o555, file: 0o444 });
  return {
    stage,
    app,
    program: [node, join(app, 'dist/main.js')],
    remove: () => {
      // Folders without leave to write are not emptied by an ordinary user.
      setModes(app, { folder: 0o755, program: 0o755, file: 0o644 });
      rmSync(stage, { recursive: true });
    },
  };
}

interface Modes {
  readonly folder: number;
  readonly program: number;
  readonly file: number;
}

function setModes(path: string, modes: Modes): void {
  const what = lstatSync(path);
  if (what.isSymbolicLink()) return;
  if (what.isDirectory()) {
    chmodSync(path, modes.folder);
    for (const name of readdirSync(path)) setModes(join(path, name), modes);
  } else chmodSync(path, (what.mode & 0o111) !== 0 ? modes.program : modes.file);
}
