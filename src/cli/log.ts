/** `postern log`: searches records, oldest first, and follows them as they come. */
import type { Command } from 'commander';
import { seconds } from '../mail/time.ts';
import type { RecordQuery } from '../ports/queue.ts';
import { jsonLine } from '../record/jsonl.ts';
import { recordLine } from '../record/line.ts';
import type { TransactionRecord } from '../record/record.ts';
import { recordView } from '../record/view.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell, USAGE } from './command.ts';
import { visiting } from './visiting.ts';
import { parseWhen } from './when.ts';
import type { CliWorld, Visit } from './world.ts';

export const logCommand = (shell: Shell): Command =>
  printing('log', {
    about: 'Searches records, a line each, oldest first; exit 1 when there is none.',
    examples: [
      ['log --since 1h', 'the last hour'],
      ['log --from alice@example.net --verdict reject', 'what was refused to a sender'],
      ['log --rule dmarc-hold --since 7d --json', 'what a rule did, a JSON object a line'],
      ['log -f', 'what happens now'],
    ],
  })
    .option('--from <address>', 'sender')
    .option('--to <address>', 'recipient')
    .option('--client <ip>', 'address of the client')
    .option('--rule <name>', 'rule that ended it')
    .option('--verdict <verdict>', VERDICTS.join(', '))
    .option('--since <time>', 'not before: 30m, 2h, 7d ago, or a moment')
    .option('--until <time>', 'not after')
    .option('--id <id>', 'id of the record')
    .option('--message-id <id>', 'Message-ID')
    .option('--limit <n>', 'the newest so many', '100')
    .option('-f, --follow', 'go on as they come')
    .action(act(shell, log));

const VERDICTS = ['accept', 'reject', 'defer', 'quarantine', 'discard', 'hold'];

interface Options extends Common {
  readonly from?: string;
  readonly to?: string;
  readonly client?: string;
  readonly rule?: string;
  readonly verdict?: string;
  readonly since?: string;
  readonly until?: string;
  readonly id?: string;
  readonly messageId?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

async function log(world: CliWorld, options: Options): Promise<number> {
  const query = queryOf(options, world);
  return visiting(world, options.config, async (visit) => {
    const found = [...(await visit.records.search(query))].reverse();
    for (const record of found) await write(world, visit, record, options.json ?? false);
    if (options.follow) await follow(world, visit, query, found, options.json ?? false);
    return found.length > 0 || options.follow ? FINE : NO;
  });
}

function queryOf(options: Options, world: CliWorld): RecordQuery {
  const { from, to, client, rule, verdict, messageId } = options;
  if (verdict !== undefined && !VERDICTS.includes(verdict))
    throw new CliError(`--verdict is one of ${VERDICTS.join(', ')}, not "${verdict}"`, USAGE);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new CliError(`--limit is a number from 1, not "${options.limit}"`, USAGE);
  if (options.follow && options.until !== undefined)
    throw new CliError('--follow has no end: leave out --until', USAGE);
  const id = options.id?.toLowerCase().replace(/\.\d+$/, '');
  return {
    ...(id === undefined ? {} : { id }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(client === undefined ? {} : { client }),
    ...(rule === undefined ? {} : { rule }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(options.since === undefined ? {} : { since: parseWhen(options.since, '--since', world.now()) }),
    ...(options.until === undefined ? {} : { until: parseWhen(options.until, '--until', world.now()) }),
    limit,
  };
}

async function write(world: CliWorld, visit: Visit, record: TransactionRecord, json: boolean): Promise<void> {
  if (!json) return world.out(recordLine(recordView(record, [], undefined)));
  const events = (await visit.records.get(record.id))?.events ?? [];
  return world.out(jsonLine(recordView(record, events, await visit.rules(record.bundle))));
}

const POLL = seconds(1); // records of refusals are on disk within a second
const OVERLAP = seconds(300); // a record bears the time its transaction began, and is written when it ends
const FOLLOWED_MAX = 1000; // records a second that can be followed

async function follow(
  world: CliWorld,
  visit: Visit,
  query: RecordQuery,
  shown: readonly TransactionRecord[],
  json: boolean,
): Promise<void> {
  const since = world.now();
  let seen = new Set(shown.map(({ id }) => id));
  while (!world.signal.aborted) {
    try {
      await world.sleep(POLL, world.signal);
    } catch (reason) {
      if (world.signal.aborted) return;
      throw reason;
    }
    const from = Math.max(since, world.now() - OVERLAP);
    const found = await visit.records.search({ ...query, since: from, limit: FOLLOWED_MAX });
    const fresh = found.filter(({ id }) => !seen.has(id)).reverse();
    for (const record of fresh) await write(world, visit, record, json);
    seen = new Set([...found.map(({ id }) => id), ...(from === since ? seen : [])]);
  }
}
