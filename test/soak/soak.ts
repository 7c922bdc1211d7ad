/** What takes longer than anybody waits for: `npm run soak -- [sessions|queue] [options of that one]`; both, one after the other, without a name. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PARTS: { readonly [name: string]: string } = { sessions: './sessions.ts', queue: './queue-lives.ts' };

const [first = '', ...others] = process.argv.slice(2);
const named = PARTS[first] === undefined ? Object.values(PARTS) : [PARTS[first]];
// As before there was a queue to soak: options alone are for the sessions.
const parts = first.startsWith('--') ? [PARTS.sessions!] : named;
const args = first.startsWith('--') ? [first, ...others] : others;
for (const part of parts) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(part, import.meta.url)), ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
