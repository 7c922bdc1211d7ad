/** The same mail through the gateway as an operator starts it, relayed to a host: what a message costs in all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { playAll } from './record-client.ts';
import type { Letter } from './record-mail.ts';

/** CPU in ms of the whole process, all threads, user and system, for each message; `warm` is played first and not counted. */
export async function served(
  config: string,
  sink: ScriptedHost,
  warm: readonly Letter[],
  counted: readonly Letter[],
  sessions: number,
): Promise<number> {
  const child = spawn(process.execPath, ['src/main.ts', 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const port = await started(createInterface(child.stderr!));
    const relayed = async (load: readonly Letter[]) => {
      const before = { cpu: cpuOf(child.pid!), messages: sink.messages.length };
      await playAll(port, load, sessions);
      while (sink.messages.length < before.messages + load.length) await pause(50);
      await pause(500); // the last ones are still being settled, and the index is filled behind
      return (cpuOf(child.pid!) - before.cpu) / load.length;
    };
    await relayed(warm);
    return await relayed(counted);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

async function started(lines: AsyncIterable<string>): Promise<number> {
  for await (const line of lines) {
    const port = /"gateway\.started".*?"mx":"127\.0\.0\.1:(\d+)"|"mx":"127\.0\.0\.1:(\d+)".*?"gateway\.started"/.exec(
      line,
    );
    if (port !== null) return Number(port[1] ?? port[2]);
    console.error(line);
  }
  throw new Error('The gateway must start: it ended');
}

/** proc(5): utime and stime, in hundredths of a second. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
