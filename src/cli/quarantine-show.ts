/** `postern quarantine show`: one held message, who and why, and with `--preview` what it says. */
import type { Command } from 'commander';
import { leaving } from '../gateway/deliver.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { type Named, noting, tellMissing } from './missing.ts';
import { previewView, tellPreview } from './preview-tell.ts';
import { choose, type Held, heldOf } from './quarantine-choice.ts';
import { heldStory, heldView } from './quarantine-tell.ts';
import { everyPage } from './selection.ts';
import { visiting } from './visiting.ts';
import type { CliWorld, Visit } from './world.ts';

interface Options extends Common {
  readonly preview?: boolean;
}

export const showCommand = (shell: Shell): Command =>
  printing('show', {
    about: 'Shows held messages: who, why, by which rule, until when; with --preview what they say, as text.',
    examples: [
      ['quarantine show 3f9k2m7q0d5xa.1', 'one; `postern trace` has its whole story'],
      ['quarantine show 3f9k2m7q0d5xa.1 --preview', 'its text and its attachments; nothing is opened or fetched'],
    ],
  })
    .argument('<ids...>', 'ids of held messages or records')
    .option('--preview', 'header, start of the text and attachments, made safe to look at')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const wanted = choose({ ids }, world.now());
        return visiting(world, options.config, async (visit, installation) => {
          const found: Named[] = [];
          let status = FINE;
          for await (const page of noting(
            everyPage(wanted, (filter) => visit.queue.quarantined(filter)),
            found,
            ids,
          ))
            for (const held of await heldOf(page, visit.records, installation))
              if (!(await showOne(world, visit, held, options))) status = NO;
          return (await tellMissing(world, ids, found)) === FINE ? status : NO;
        });
      }),
    );

/** False where the preview that was asked for could not be had. */
async function showOne(world: CliWorld, { queue }: Visit, held: Held, options: Options): Promise<boolean> {
  const { item } = held;
  const preview = options.preview
    ? await world.previewer.preview(
        leaving(item.entry, (ref, signal) => queue.read(ref, signal), world.signal),
        world.signal,
      )
    : undefined;
  const failed = preview?.kind === 'failed' ? preview.why : undefined;
  const shown = preview?.kind === 'shown' ? preview : undefined;
  if (options.json)
    await world.out(
      jsonLine({
        ...heldView(held),
        ...(shown === undefined ? {} : { preview: previewView(shown) }),
        ...(failed === undefined ? {} : { preview_failed: failed }),
      }),
    );
  else await world.out(heldStory(held) + (shown === undefined ? '\n' : tellPreview(shown)));
  if (failed !== undefined) await world.err(terminal([`postern: ${item.id} cannot be previewed: ${failed}`]));
  return failed === undefined;
}
