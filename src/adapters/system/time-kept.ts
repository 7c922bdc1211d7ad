/** Whether the clock is kept by a time server, as systemd knows it: no network, no shell. */
import { execFile } from 'node:child_process';
import { seconds } from '../../mail/time.ts';
import type { TimeKept } from '../../ports/time-kept.ts';

/** It asks another daemon, which may have to be started. */
const WITHIN = seconds(3);
const OCTETS_MAX = 4096;

export function timeKept(signal: AbortSignal, program = 'timedatectl'): Promise<TimeKept> {
  const options = { signal, timeout: WITHIN, maxBuffer: OCTETS_MAX };
  return new Promise((resolve) => {
    execFile(program, ['show', '--property=NTPSynchronized', '--value'], options, (error, out) => {
      const said = out.trim();
      if (error === null && said === 'yes') return resolve({ kind: 'kept' });
      if (error === null && said === 'no') return resolve({ kind: 'adrift' });
      const missing = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
      resolve({ kind: 'unknown', why: `${program} ${missing ? 'is not here' : 'does not say'}` });
    });
  });
}
