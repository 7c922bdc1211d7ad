/** `postern serve` from its first moment to its last: which signals do what, and what the service manager hears of it. */
import { jsonLog } from '../adapters/system/log.ts';
import { notifier } from '../adapters/system/notify.ts';
import { supervisionOf } from '../adapters/system/notify-messages.ts';
import { sayProblems } from '../cli/sound.ts';
import type { CliWorld } from '../cli/world.ts';
import type { Problem } from '../language/problem.ts';
import { forgetPassedSockets, passedSockets } from './passed-sockets.ts';
import { ConfigurationError, type Gateway, startGateway } from './serve.ts';

/** Runs until `signal`; SIGHUP reads the configuration again and reopens the files of lines, SIGUSR2 reads the policies' lists alone. */
export async function runGateway(config: string, err: CliWorld['err'], signal: AbortSignal): Promise<number> {
  const { env, pid } = process;
  const log = jsonLog('info');
  const notify = notifier({ supervision: supervisionOf(env, pid), log, path: env.PATH ?? '' });
  // From the first moment to the last: a SIGHUP that nobody listens for ends the process. One that comes while we start is
  // answered then, one that comes while we stop has nothing left to change.
  let asked = false;
  let reload = (): void => {
    asked = true;
  };
  let reloadLists = reload;
  const hungUp = (): void => reload();
  const newLists = (): void => reloadLists();
  process.on('SIGHUP', hungUp).on('SIGUSR2', newLists);
  try {
    const gateway = await startGateway(config, { passed: (listeners) => socketsPassed(env, pid, listeners) });
    // No mail waits for the manager: what it is told is told beside the work, in this order.
    reload = () => {
      void notify.reloading();
      void gateway.reload().then(
        (wrong) => notify.ready(reloadedStatus(gateway, wrong)),
        (error: unknown) => log.error('reload.failed', { error: String(error) }),
      );
    };
    reloadLists = () => void gateway.reloadLists();
    void notify.ready(takesMail(gateway));
    if (asked) reload();

    let well = true;
    const stopWatchdog = notify.watchdog(() => well);
    const told = new Promise<0>((resolve) => {
      if (signal.aborted) resolve(0);
      signal.addEventListener('abort', () => resolve(0), { once: true });
    });
    const broken = gateway.broken.then((): 1 => {
      well = false;
      return 1;
    });
    // Whoever supervises the process starts it anew; what was promised is in the store.
    const status = await Promise.race([told, broken]);
    reload = () => {};
    reloadLists = reload;
    void notify.stopping('answers 421 and finishes what is in hand');
    // The watchdog goes on: a stop that hangs is a hang.
    await gateway.stop();
    stopWatchdog();
    return status;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    await err(sayProblems(error.problems));
    return 1;
  } finally {
    process.off('SIGHUP', hungUp).off('SIGUSR2', newLists);
  }
}

function socketsPassed(
  env: NodeJS.ProcessEnv,
  pid: number,
  listeners: readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const passed = passedSockets(env, pid, listeners);
  forgetPassedSockets(env);
  if (passed.kind === 'bad') throw new Error(passed.problems.join('\n'));
  return passed.kind === 'passed' ? passed.fds : new Map();
}

function takesMail({ addresses }: Gateway): string {
  const where = Object.entries(addresses).map(([name, address]) => `${name} ${address}`);
  return `takes mail: ${where.join(', ')}`;
}

const reloadedStatus = (gateway: Gateway, wrong: readonly Problem[]): string =>
  wrong.length === 0
    ? takesMail(gateway)
    : `the last reload was refused (${wrong.length} problems, see the log or \`postern check\`): what was in force before is in force`;
