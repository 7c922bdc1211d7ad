/** `postern queue`: what is promised and not yet delivered, looked at and changed by hand. */
import type { Command } from 'commander';
import type { QueueFilter } from '../ports/queue.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { entryView } from '../queue/entry-view.ts';
import { type Suspension, suspendedBy } from '../queue/suspension.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, family, NO, printing, type Shell, USAGE } from './command.ts';
import { missingOf, noting, sayNotQueued } from './missing.ts';
import { changeQueue } from './queue-change.ts';
import { resume, suspend, suspensionJson, suspensionLine, suspensionsNow } from './queue-suspend.ts';
import { entryLine, entryStory } from './queue-tell.ts';
import { byId, cameBefore, everyPage, mustChoose, type Selection, selecting, type Wanted } from './selection.ts';
import { visiting } from './visiting.ts';
import type { CliWorld, Visit } from './world.ts';

export function queueCommand(shell: Shell): Command {
  const queue = family('queue', {
    about: 'The queue: what is promised and not yet delivered.',
    examples: [
      ['queue list', 'what waits, a line each'],
      ['queue retry --route store', 'when the host behind it is back'],
    ],
  });
  const changes = CHANGES.map((change) => changing(shell, change));
  for (const command of [list(shell), show(shell), ...changes, suspend(shell), resume(shell)])
    queue.addCommand(command);
  return queue;
}

const CHOICES = ['recipient', 'sender', 'user', 'domain', 'route', 'reason', 'olderThan'] as const;
const STATES = ['waiting', 'leased', 'held'] as const;

interface Options extends Common, Omit<Selection, 'ids'> {
  readonly state?: string;
  readonly why?: string;
}

const list = (shell: Shell): Command =>
  selecting(
    printing('list', {
      about: 'Lists entries, a line each; all when nothing is chosen.',
      examples: [
        ['queue list', 'everything'],
        ['queue list --state held', 'what waits for a person'],
        ['queue list --route store --older-than 1h --json', 'what has waited long, a JSON object a line'],
      ],
    }),
    CHOICES,
    false,
  )
    .option('--state <state>', STATES.join(', '))
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const wanted = choose({ ...options, ids }, options.state, world.now());
        return visiting(world, options.config, async ({ queue }, { routes }) => {
          const suspended = await suspensionsNow(queue, world.now());
          if (!options.json) for (const one of suspended) await world.out(`${suspensionLine(one, world.now())}\n`);
          const tell = options.json ? undefined : entryLine;
          return printEntries(world, queue, { ids, wanted, suspended, tell, nothing: nothingIn(options, routes) });
        });
      }),
    );

const show = (shell: Shell): Command =>
  printing('show', {
    about: 'Shows entries in full: envelope, state, attempts and what was said last.',
    examples: [['queue show 3f9k2m7q0d5xa.1', 'one entry; `postern trace` has its whole story']],
  })
    .argument('<ids...>', 'ids of entries or records')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const wanted = choose({ ids }, undefined, world.now());
        return visiting(world, options.config, async ({ queue }) => {
          const suspended = await suspensionsNow(queue, world.now());
          return printEntries(world, queue, { ids, wanted, suspended, tell: options.json ? undefined : entryStory });
        });
      }),
    );

interface Change {
  readonly name: 'retry' | 'hold' | 'release' | 'remove';
  readonly about: string;
  readonly examples: readonly (readonly [string, string])[];
  /** Which entries a filter means. */
  readonly state: (typeof STATES)[number] | undefined;
  readonly done: string;
}

const CHANGES: readonly Change[] = [
  {
    name: 'retry',
    about: 'Lets waiting entries be tried at once.',
    examples: [['queue retry --route store', 'after the store came back']],
    state: 'waiting',
    done: 'will be tried at once',
  },
  {
    name: 'hold',
    about: 'Holds waiting entries until they are released.',
    examples: [['queue hold --sender a@example.com --why "looks stolen"', 'all of a sender']],
    state: 'waiting',
    done: 'held',
  },
  {
    name: 'release',
    about: 'Lets held entries go on.',
    examples: [['queue release 3f9k2m7q0d5xa.1', 'one entry']],
    state: 'held',
    done: 'released',
  },
  {
    name: 'remove',
    about: 'Takes entries out of the queue for good; nobody is told, the record keeps the story.',
    examples: [['queue remove 3f9k2m7q0d5xa --why "sent twice"', 'all entries of one message']],
    state: undefined,
    done: 'removed',
  },
];

const changing = (shell: Shell, { name, about, examples, state, done }: Change): Command =>
  selecting(printing(name, { about, examples }), CHOICES, true)
    .option('--why <text>', 'the reason, for the record')
    .action(
      act(shell, (world: CliWorld, ids: readonly string[], options: Options) => {
        const selection = { ...options, ids };
        mustChoose(selection);
        // Whoever names an entry hears why it cannot be; a filter means those that can.
        const wanted = choose(selection, ids.length === 0 ? state : undefined, world.now());
        return visiting(world, options.config, async ({ queue }, installation) => {
          const seen: Seen = [];
          const pages = noting(
            everyPage(wanted, (filter) => queue.list(filter)),
            seen,
            ids,
          );
          const came = await changeQueue(world, queue, installation, pages, name, options.why ?? '');
          if (options.json) await world.out(jsonLine(came));
          else {
            await world.out(`${came.changed} ${done}\n`);
            for (const why of came.refused) await world.err(`${why}\n`);
          }
          const found = await sayMissing(world, ids, seen, queue);
          return came.changed > 0 && came.refused.length === 0 ? found : NO;
        });
      }),
    );

interface Printing {
  /** Those that were named: whichever is not there is told. */
  readonly ids: readonly string[];
  readonly wanted: Wanted<QueueFilter, QueueEntry>;
  readonly suspended: readonly Suspension[];
  /** Undefined: as JSON, an entry a line. */
  readonly tell: typeof entryLine | undefined;
  /** What is said where nothing was found and nothing was named. */
  readonly nothing?: string;
}

/** A word that fits nothing looks like a queue that is empty. */
function nothingIn({ route }: Options, routes: ReadonlyMap<string, unknown>): string {
  if (route === undefined || routes.has(route)) return 'nothing in the queue fits';
  return `nothing in the queue fits; there is no route "${route}", there are: ${[...routes.keys()].join(', ')}`;
}

async function printEntries(
  world: CliWorld,
  queue: Visit['queue'],
  { ids, wanted, suspended, tell, nothing }: Printing,
): Promise<number> {
  const seen: Seen = [];
  let any = false;
  for await (const page of noting(
    everyPage(wanted, (filter) => queue.list(filter)),
    seen,
    ids,
  ))
    for (const entry of page) {
      any = true;
      const by = suspendedBy(entry, suspended);
      const json = () => jsonLine({ ...entryView(entry), suspended: by === undefined ? null : suspensionJson(by) });
      await world.out(tell === undefined ? json() : tell(entry, world.now(), by));
    }
  if (!any && ids.length === 0 && tell !== undefined && nothing !== undefined) await world.err(terminal([nothing]));
  return sayMissing(world, ids, seen, queue);
}

type Seen = Parameters<typeof noting>[1];

/** On standard error, so that what is printed stays what was found. */
async function sayMissing(world: CliWorld, ids: readonly string[], seen: Seen, queue: Visit['queue']): Promise<number> {
  const missing = missingOf(ids, seen);
  if (missing.length === 0) return FINE;
  await world.err(terminal(await sayNotQueued(missing, queue)));
  return NO;
}

function choose(selection: Selection, state: string | undefined, now: number): Wanted<QueueFilter, QueueEntry> {
  const { recipient, sender, user, domain, route, reason } = selection;
  const before = cameBefore(selection, now);
  const known = STATES.find((one) => one === state);
  if (state !== undefined && known === undefined)
    throw new CliError(
      `--state is one of ${STATES.join(', ')}, not "${state}"${state === 'quarantined' ? ': see `postern quarantine list`' : ''}`,
      USAGE,
    );
  const common: QueueFilter = {
    ...(recipient === undefined ? {} : { recipient }),
    ...(sender === undefined ? {} : { sender: sender.replace(/^<|>$/g, '') }),
    ...(user === undefined ? {} : { user }),
    ...(domain === undefined ? {} : { domain }),
    ...(route === undefined ? {} : { route }),
    ...(reason === undefined ? {} : { reason }),
    ...(known === undefined ? {} : { state: [known] }),
    ...(before === undefined ? {} : { admittedBy: before }),
  };
  return {
    filters: byId(selection.ids).map((ids) => ({ ...common, ...ids })),
    fits: () => true,
  };
}
