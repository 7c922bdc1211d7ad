/** `postern reload`: lets the running gateway read its configuration again, once it is known to be sound. */
import type { Command } from 'commander';
import { jsonText } from '../record/jsonl.ts';
import { act, CliError, type Common, FINE, printing, type Shell, USAGE } from './command.ts';
import { loadSound, sayProblems } from './sound.ts';
import type { CliWorld } from './world.ts';

export const reloadCommand = (shell: Shell): Command =>
  printing('reload', {
    about:
      'Checks the configuration, then lets the running gateway read it again. ' +
      'What does not check is reported here and leaves the running configuration in force.',
    examples: [
      ['reload', 'after every change of postern.yaml or the policies'],
      ['reload lists', 'the lists of the policies alone, now; changed files are seen by themselves a moment later'],
    ],
  })
    .argument('[what]', 'lists, or everything')
    .action(act(shell, reload));

async function reload(world: CliWorld, what: string | undefined, { config, json }: Common): Promise<number> {
  if (what !== undefined && what !== 'lists')
    throw new CliError(`only lists can be reloaded by themselves, not "${what}"`, USAGE);
  const { installation, notYet } = await loadSound(world, config);
  // The gateway would refuse it too, but only its log would say so.
  if (notYet.length > 0) {
    await world.err(sayProblems(notYet));
    throw new CliError(`${config} asks for what has not come yet: the running configuration stays in force`);
  }
  const running = await world.reload(installation, what ?? 'all');
  if (running.kind === 'stopped') throw new CliError(`Cannot reload as the gateway must be running: ${running.why}`);
  await world.out(
    json
      ? jsonText(running)
      : `process ${running.pid} reads ${what === undefined ? config : 'the lists of its policies'} again; its log says what came of it\n`,
  );
  return FINE;
}
