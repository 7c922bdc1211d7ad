/** `postern reload`: lets the running gateway read its configuration again, and says what it found. */
import type { Command } from 'commander';
import { jsonText } from '../record/jsonl.ts';
import { answered } from './answered.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell, USAGE } from './command.ts';
import { loadInstallation, sayProblems } from './sound.ts';
import type { CliWorld } from './world.ts';

export const reloadCommand = (shell: Shell): Command =>
  printing('reload', {
    about:
      'Lets the running gateway read its configuration again. ' +
      'What does not check is reported here with exit 1, and leaves the running configuration in force.',
    examples: [
      ['reload', 'after every change of postern.yaml or the policies'],
      ['reload lists', 'the lists alone, now; they are seen by themselves a moment later'],
    ],
  })
    .argument('[what]', 'lists, or everything')
    .action(act(shell, reload));

async function reload(world: CliWorld, what: string | undefined, { config, json }: Common): Promise<number> {
  if (what !== undefined && what !== 'lists')
    throw new CliError(`only lists can be reloaded by themselves, not "${what}"`, USAGE);
  const installation = await loadInstallation(world, config);
  const came = await world.control(installation, { verb: what === undefined ? 'reload' : 'reload lists' });
  const { problems, status } = answered(came, 'reload');
  if (json) await world.out(jsonText({ reloaded: problems.length === 0, pid: status.pid, problems }));
  else if (problems.length === 0)
    await world.out(
      `process ${status.pid} has put ${what === undefined ? config : 'the lists of its policies'} in force\n`,
    );
  else {
    await world.err(sayProblems(problems));
    await world.err('the running configuration stays in force\n');
  }
  return problems.length === 0 ? FINE : NO;
}
