/** `postern status`: whether the gateway runs, and how much waits. */
import type { Command } from 'commander';
import { jsonText } from '../record/jsonl.ts';
import { columns, terminal } from '../record/terminal.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { visiting } from './visiting.ts';
import type { CliWorld } from './world.ts';

export const statusCommand = (shell: Shell): Command =>
  printing('status', {
    about: 'Says whether the gateway runs and how much waits in queue and quarantine; exit 1 when it does not run.',
    examples: [
      ['status', 'for a person'],
      ['status --json', 'for monitoring'],
    ],
  }).action(act(shell, status));

const QUARANTINE_MAX = 10_000; // counted no further

const status = (world: CliWorld, { config, json }: Common): Promise<number> =>
  visiting(world, config, async ({ queue }, installation) => {
    const running = await world.running(installation);
    const [waiting, due, leased, held] = await Promise.all([
      queue.count({ state: ['waiting'] }),
      queue.count({ state: ['waiting'], dueBy: world.now() }),
      queue.count({ state: ['leased'] }),
      queue.count({ state: ['held'] }),
    ]);
    const quarantined = (await queue.quarantined({ limit: QUARANTINE_MAX })).length;
    const counts = { waiting, due, leased, held, quarantined };
    if (json) await world.out(jsonText({ ...running, queue: counts }));
    else
      await world.out(
        terminal(
          columns([
            [
              'gateway',
              running.kind === 'running' ? `running as process ${running.pid}` : `not running: ${running.why}`,
            ],
            ['queue', `${waiting} waiting (${due} due), ${leased} being sent, ${held} held`],
            ['quarantine', `${quarantined}${quarantined === QUARANTINE_MAX ? ' or more' : ''}`],
          ]),
        ),
      );
    return running.kind === 'running' ? FINE : NO;
  });
