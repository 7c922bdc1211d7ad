/** `postern reload`: lets the running gateway read its configuration again, once it is known to be sound. */
import type { Command } from 'commander';
import { jsonText } from '../record/jsonl.ts';
import { act, CliError, type Common, FINE, printing, type Shell } from './command.ts';
import { loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

export const reloadCommand = (shell: Shell): Command =>
  printing('reload', {
    about:
      'Checks the configuration, then lets the running gateway read it again. ' +
      'What does not check is reported here and leaves the running configuration in force.',
    examples: [['reload', 'after every change of postern.yaml or the policies']],
  }).action(act(shell, reload));

async function reload(world: CliWorld, { config, json }: Common): Promise<number> {
  const { installation } = await loadSound(world, config);
  const running = await world.reload(installation);
  if (running.kind === 'stopped') throw new CliError(`Cannot reload as the gateway must be running: ${running.why}`);
  await world.out(
    json ? jsonText(running) : `process ${running.pid} reads ${config} again; its log says what came of it\n`,
  );
  return FINE;
}
