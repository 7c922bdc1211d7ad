/** The gateway under a service manager that listens on a real datagram socket: what it hears, through Debian's systemd-notify. */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';

const there = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const missing = ['python3', 'systemd-notify'].filter((program) => !there(program));
if (missing.length > 0)
  process.stderr.write(`SKIPPED: needs ${missing.join(' and ')}: apt-get install python3 systemd\n`);

/** Every message it gets, each a list of assignments. */
async function manager(socket: string) {
  const script = fileURLToPath(new URL('./service-manager.py', import.meta.url));
  const child = spawn('python3', [script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const heard: (readonly string[])[] = [];
  await new Promise<void>((ready) =>
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'READY') return ready();
      const assignments = JSON.parse(line) as readonly string[];
      if (assignments[0] !== 'BARRIER=1') heard.push(assignments);
    }),
  );
  const count = (first: string) => heard.filter((assignments) => assignments[0] === first).length;
  return { heard, count };
}

test.skipIf(missing.length > 0)(
  'a manager hears ready, the watchdog, each reload with its time and what came of it, and the stop',
  async () => {
    const at = installationFolder([
      'domains: { mail.test: { route: files, recipients: any } }',
      'routes: { files: { protocol: maildir, path: mail } }',
    ]);
    const socket = join(at.folder, 'notify');
    const { heard, count } = await manager(socket);
    const gateway = new GatewayProcess(at.config, { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' } });
    const port = await gateway.port();
    await expect.poll(() => count('READY=1'), { timeout: 20_000 }).toBe(1);
    expect(heard[0]).toEqual(['READY=1', `STATUS=takes mail: mx 127.0.0.1:${port}`]);
    await expect.poll(() => count('WATCHDOG=1'), { timeout: 20_000 }).toBeGreaterThanOrEqual(2);

    at.write('policies/inbound.yaml', 'policy: [');
    gateway.signal('SIGHUP');
    await expect.poll(() => count('READY=1'), { timeout: 20_000 }).toBe(2);
    const others = heard.filter(([first]) => first !== 'WATCHDOG=1');
    expect(others[1]).toEqual(['RELOADING=1', expect.stringMatching(/^MONOTONIC_USEC=\d+$/)]);
    expect(others[2]).toEqual(['READY=1', expect.stringMatching(/^STATUS=the last reload was refused/)]);

    gateway.signal('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
    await expect.poll(() => count('STOPPING=1'), { timeout: 20_000 }).toBe(1);
    expect(gateway.log).not.toContain('notify.failed');
  },
);
