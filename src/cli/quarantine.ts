/** `postern quarantine`: messages kept aside, listed, released into the queue or deleted. */
import type { Command } from 'commander';
import { timingOf } from '../config/route-timing.ts';
import type { QuarantineFilter, QuarantineItem } from '../ports/queue.ts';
import { type EntryView, entryView } from '../queue/entry-view.ts';
import { transition } from '../queue/transition.ts';
import { jsonLine } from '../record/jsonl.ts';
import { columns, terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, family, NO, printing, type Shell } from './command.ts';
import { quarantineDigest } from './quarantine-digest.ts';
import { eventFor } from './queue-change.ts';
import { senderOf } from './queue-tell.ts';
import { byId, cameBefore, everyPage, mustChoose, type Selection, selecting, type Wanted } from './selection.ts';
import { visiting } from './visiting.ts';
import { parseWhen } from './when.ts';
import type { CliWorld, Visit } from './world.ts';

export function quarantineCommand(shell: Shell): Command {
  const quarantine = family('quarantine', {
    about: 'Messages kept aside by a rule, or undeliverable.',
    examples: [
      ['quarantine list --since 24h', 'what was held since yesterday'],
      ['quarantine show 3f9k2m7q0d5xa.1', 'one of them: who, why, by which rule'],
    ],
  });
  for (const command of [list(shell), show(shell), release(shell), remove(shell), quarantineDigest(shell)])
    quarantine.addCommand(command);
  return quarantine;
}

const CHOICES = ['recipient', 'sender', 'domain', 'class', 'reason', 'olderThan', 'since'] as const;

interface Options extends Common, Omit<Selection, 'ids'> {
  readonly why?: string;
}

const list = (shell: Shell): Command =>
  selecting(
    printing('list', {
      about: 'Lists held messages, a line each; all when nothing is chosen.',
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
      return visiting(world, options.config, async ({ queue }) => {
        for await (const page of everyPage(wanted, (filter) => queue.quarantined(filter)))
          for (const item of page) await world.out(options.json ? jsonLine(itemView(item)) : itemLine(item));
        return FINE;
      });
    }),
  );

const show = (shell: Shell): Command =>
  printing('show', {
    about: 'Shows held messages: who, why, and by which rule.',
    examples: [['quarantine show 3f9k2m7q0d5xa.1', 'one; `postern trace` has its whole story']],
  })
    .argument('<ids...>', 'ids of held messages or records')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const wanted = choose({ ids }, world.now());
        return visiting(world, options.config, async ({ queue }) => {
          let shown = 0;
          for await (const page of everyPage(wanted, (filter) => queue.quarantined(filter)))
            for (const item of page) {
              shown += 1;
              await world.out(options.json ? jsonLine(itemView(item)) : itemStory(item));
            }
          if (shown === 0) throw new CliError('not in quarantine; `postern trace` tells what became of it');
          return FINE;
        });
      }),
    );

const release = (shell: Shell): Command =>
  selecting(
    printing('release', {
      about: 'Puts held messages into the queue, as they would have been delivered.',
      examples: [['quarantine release 3f9k2m7q0d5xa.1 --why "asked by phone"', 'one message']],
    }),
    CHOICES,
    true,
  )
    .option('--why <text>', 'the reason, for the record')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) =>
        change(world, ids, options, 'released', async (queue, page, events, installation) => {
          const now = world.now();
          const items = page.map((item) => {
            const timing = timingOf(item.entry.route, installation);
            const moved = transition(item.entry, { kind: 'release' }, timing, now, 0);
            if (moved.kind === 'refused') throw new CliError(moved.why);
            return { ...item, entry: moved.next };
          });
          return queue.release(items, events, now);
        }),
      ),
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
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) =>
        change(world, ids, options, 'removed', (queue, page, events) => queue.drop(page, events)),
      ),
    );

type Apply = (
  queue: Visit['queue'],
  page: readonly QuarantineItem[],
  events: readonly ReturnType<typeof eventFor>[],
  installation: Parameters<Parameters<typeof visiting>[2]>[1],
) => Promise<number>;

function change(
  world: CliWorld,
  ids: readonly string[],
  options: Options,
  kind: 'released' | 'removed',
  apply: Apply,
): Promise<number> {
  const selection = { ...options, ids };
  mustChoose(selection);
  const wanted = choose(selection, world.now());
  return visiting(world, options.config, async ({ queue }, installation) => {
    let changed = 0;
    // Listed whole before anything is changed: what is released leaves the pages.
    const pages: (readonly QuarantineItem[])[] = [];
    for await (const page of everyPage(wanted, (filter) => queue.quarantined(filter))) pages.push(page);
    for (const page of pages) {
      const events = page.map(({ entry }) => eventFor(entry, kind, options.why ?? '', world));
      changed += await apply(queue, page, events, installation);
    }
    await world.out(options.json ? jsonLine({ changed }) : `${changed} ${kind === 'removed' ? 'deleted' : kind}\n`);
    return changed > 0 ? FINE : NO;
  });
}

function choose(selection: Selection, now: number): Wanted<QuarantineFilter, QuarantineItem> {
  const { recipient, sender, domain, reason, since } = selection;
  const before = cameBefore(selection, now);
  const common: QuarantineFilter = {
    ...(recipient === undefined ? {} : { recipient }),
    ...(since === undefined ? {} : { since: parseWhen(since, '--since', now) }),
    ...(selection.class === undefined ? {} : { class: selection.class }),
  };
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return {
    filters: byId(selection.ids).map((ids) => ({ ...common, ...ids })),
    fits: (item) =>
      (sender === undefined || same(senderOf(item.entry), sender.replace(/^<|>$/g, ''))) &&
      (domain === undefined || same(item.entry.domain, domain)) &&
      (reason === undefined || item.reason.includes(reason)) &&
      (before === undefined || item.at <= before),
  };
}

const itemLine = (item: QuarantineItem): string =>
  terminal([
    `${item.id}  ${iso(item.at).slice(0, 19)}Z  ${item.class.padEnd(13)}  <${senderOf(item.entry)}> -> <${item.entry.recipient}>  ${item.reason}`,
  ]);

const itemStory = (item: QuarantineItem): string =>
  terminal([
    item.id,
    ...columns(
      [
        ['from', `<${senderOf(item.entry)}> (${item.entry.sender})`],
        ['to', `<${item.entry.recipient}> by route ${item.entry.route}, once released`],
        ['size', `${item.entry.contentSize} octets`],
        ['class', item.class],
        ['why', item.reason],
        ['rule', item.rule === '' ? 'none' : item.rule],
        ['since', iso(item.at)],
        ['record', `postern trace ${item.recordId}`],
      ],
      '  ',
    ),
    '',
  ]);

/** As other programs read it. */
interface ItemView {
  readonly id: string;
  readonly record_id: string;
  readonly at: string;
  readonly class: QuarantineItem['class'];
  readonly reason: string;
  readonly rule: string;
  readonly entry: EntryView;
}

const itemView = (item: QuarantineItem): ItemView => ({
  id: item.id,
  record_id: item.recordId,
  at: iso(item.at),
  class: item.class,
  reason: item.reason,
  rule: item.rule,
  entry: entryView(item.entry),
});
const iso = (at: number): string => new Date(at).toISOString();
