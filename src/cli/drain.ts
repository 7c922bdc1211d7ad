/** `postern drain`: the gateway takes nothing more and sends what it has. */
import type { Command } from 'commander';
import { type Millis, parseDuration, seconds } from '../mail/time.ts';
import { jsonText } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { answered } from './answered.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell, USAGE } from './command.ts';
import { countQueue, type Waiting, waitingJson } from './queue-count.ts';
import { count, loadInstallation } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly off?: boolean;
  readonly wait?: string;
}

export const drainCommand = (shell: Shell): Command =>
  printing('drain', {
    about:
      'Lets the running gateway take nothing more (421 4.3.2 to who connects) and go on sending. Exit 0 when nothing is left to send, ' +
      '1 when something is; what is held or in quarantine waits for a person and does not count. A restart takes again.',
    examples: [
      ['drain', 'takes nothing more from now on, and says what is left'],
      ['drain --wait 10m', 'the same, and waits until it is empty'],
      ['drain --off', 'takes again'],
    ],
  })
    .option('--off', 'take again')
    .option('--wait <span>', 'wait so long for the queue to become empty, as 10m')
    .action(act(shell, drain));

/** The queue is counted so often while we wait. */
const LOOK: Millis = seconds(1);

async function drain(world: CliWorld, { config, json, off, wait }: Options): Promise<number> {
  const patience = wait === undefined ? 0 : parseDuration(wait);
  if (patience === undefined) throw new CliError(`--wait "${wait}" is not a span: write 30s or 10m`, USAGE);
  if (off && wait !== undefined) throw new CliError('--off has nothing to wait for', USAGE);
  const installation = await loadInstallation(world, config);
  if (off) {
    const { status } = answered(await world.control(installation, { verb: 'undrain' }), 'end the drain');
    await world.out(json ? jsonText({ draining: status.draining }) : 'takes mail again\n');
    return FINE;
  }
  const visit = await world.visit(installation);
  try {
    const until = world.now() + patience;
    let { status } = answered(await world.control(installation, { verb: 'drain' }), 'drain');
    for (;;) {
      const sessions = status.listeners.reduce((sum, listener) => sum + listener.sessions, 0);
      const left = await countQueue(visit.queue, installation, world.now());
      const empty = sessions + left.waiting + left.leased === 0;
      if (empty || world.now() >= until) {
        await world.out(
          json
            ? jsonText({ draining: status.draining, empty, sessions, queue: waitingJson(left, world.now()) })
            : terminal([empty ? `empty${sayHeld(left)}` : sayLeft(left, sessions)]),
        );
        return empty ? FINE : NO;
      }
      await world.sleep(LOOK, world.signal);
      ({ status } = answered(await world.control(installation, { verb: 'status' }), 'see how far the drain is'));
      if (!status.draining) throw new CliError('somebody ended the drain, or the gateway was restarted');
    }
  } finally {
    await visit.close();
  }
}

const sayHeld = ({ held }: Waiting): string =>
  held === 0 ? '' : `; ${held} held, which wait for a person: postern queue list --state held`;

const sayLeft = (left: Waiting, sessions: number): string =>
  `left: ${count(sessions, 'session')} open, ${left.waiting} waiting (${left.due} due now), ${left.leased} being sent${sayHeld(left)}`;
