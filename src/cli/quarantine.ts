/** `postern quarantine`: messages kept aside, listed, shown, released into the queue or deleted. */
import type { Command } from 'commander';
import type { QuarantineItem } from '../ports/queue.ts';
import { jsonLine } from '../record/jsonl.ts';
import { act, type Common, family, NO, printing, type Shell } from './command.ts';
import { type Named, noting, tellMissing } from './missing.ts';
import { CHOICES, choose, heldOf } from './quarantine-choice.ts';
import { quarantineDigest } from './quarantine-digest.ts';
import { releaseCommand } from './quarantine-release.ts';
import { showCommand } from './quarantine-show.ts';
import { heldLine, heldView } from './quarantine-tell.ts';
import { eventFor } from './queue-change.ts';
import { everyPage, mustChoose, type Selection, selecting } from './selection.ts';
import { visiting } from './visiting.ts';
import type { CliWorld } from './world.ts';

export function quarantineCommand(shell: Shell): Command {
  const quarantine = family('quarantine', {
    about: 'Messages kept aside by a rule, or undeliverable.',
    examples: [
      ['quarantine list --since 24h', 'what was held since yesterday'],
      ['quarantine show 3f9k2m7q0d5xa.1', 'one of them: who, why, by which rule'],
    ],
  });
  for (const command of [
    list(shell),
    showCommand(shell),
    releaseCommand(shell),
    remove(shell),
    quarantineDigest(shell),
  ])
    quarantine.addCommand(command);
  return quarantine;
}

interface Options extends Common, Omit<Selection, 'ids'> {
  readonly why?: string;
}

const list = (shell: Shell): Command =>
  selecting(
    printing('list', {
      about:
        'Lists held messages, a line each: class, size, who, why and what they scored; all when nothing is chosen.',
      examples: [
        ['quarantine list', 'everything'],
        ['quarantine list --since 24h', 'since yesterday'],
        ['quarantine list --class spam --recipient b@example.com', 'one kind, one recipient'],
      ],
    }),
    CHOICES,
    false,
  ).action(
    act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
      const wanted = choose({ ...options, ids }, world.now());
      return visiting(world, options.config, async ({ queue, records }, installation) => {
        const found: Named[] = [];
        for await (const page of noting(
          everyPage(wanted, (filter) => queue.quarantined(filter)),
          found,
          ids,
        ))
          for (const held of await heldOf(page, records, installation))
            await world.out(options.json ? jsonLine(heldView(held)) : heldLine(held));
        return tellMissing(world, ids, found);
      });
    }),
  );

const remove = (shell: Shell): Command =>
  selecting(
    printing('delete', {
      about: 'Deletes held messages for good; the record keeps the story.',
      examples: [['quarantine delete --class malware --older-than 30d', 'old ones of a kind']],
    }),
    CHOICES,
    true,
  )
    .option('--why <text>', 'the reason, for the record')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const selection = { ...options, ids };
        mustChoose(selection);
        const wanted = choose(selection, world.now());
        return visiting(world, options.config, async ({ queue }) => {
          // Listed whole before anything is changed: what is deleted leaves the pages.
          const pages: (readonly QuarantineItem[])[] = [];
          for await (const page of everyPage(wanted, (filter) => queue.quarantined(filter))) pages.push(page);
          let changed = 0;
          for (const page of pages) {
            const events = page.map(({ entry }) => eventFor(entry, 'removed', options.why ?? '', world));
            changed += await queue.drop(page, events);
          }
          await world.out(options.json ? jsonLine({ changed }) : `${changed} deleted\n`);
          const found = await tellMissing(world, ids, pages.flat());
          return changed > 0 ? found : NO;
        });
      }),
    );
