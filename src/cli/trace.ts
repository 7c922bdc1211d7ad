/** `postern trace`: one record, told in order for a person. */
import type { Command } from 'commander';
import { jsonText } from '../record/jsonl.ts';
import { tell } from '../record/tell.ts';
import { recordView } from '../record/view.ts';
import { act, CliError, type Common, FINE, printing, type Shell, USAGE } from './command.ts';
import { visiting } from './visiting.ts';
import type { CliWorld } from './world.ts';

export const traceCommand = (shell: Shell): Command =>
  printing('trace', {
    about: 'Tells the whole story of one transaction: every check, every rule, every reply, and what came later.',
    examples: [
      ['trace 3f9k2m7q0d5xa', 'the id stands in every reply and in Received'],
      ['trace 3f9k2m7q0d5xa.2', 'as quoted by a sender; .2 is the recipient'],
      ['trace 3f9k2m7q0d5xa --json', 'the whole record'],
    ],
  })
    .argument('<id>', 'the id of a record, with or without .recipient')
    .action(act(shell, trace));

async function trace(world: CliWorld, written: string, { config, json }: Common): Promise<number> {
  const id = /^([0-9a-z]{13})(?:\.\d+)?$/.exec(written.trim().toLowerCase())?.[1];
  if (id === undefined)
    throw new CliError(
      `"${written}" is not the id of a record: it has 13 letters and digits, as in 3f9k2m7q0d5xa`,
      USAGE,
    );
  return visiting(world, config, async (visit) => {
    const found = await visit.records.get(id);
    if (found === undefined) throw new CliError(`no record ${id} is kept; \`postern log\` lists those that are`);
    const view = recordView(found.record, found.events, await visit.rules(found.record.bundle));
    await world.out(json ? jsonText(view) : tell(view));
    return FINE;
  });
}
