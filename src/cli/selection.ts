/** Which entries or held messages a command means: never more than was asked for. */
import { type Command, Option } from 'commander';
import { pages } from '../gateway/pages.ts';
import { parseDuration, type Timestamp } from '../mail/time.ts';
import { HELD_CLASSES } from '../queue/held-class.ts';
import { timeOfId } from '../record/id.ts';
import { CliError, USAGE } from './command.ts';

export interface Selection {
  readonly ids: readonly string[];
  readonly recipient?: string;
  readonly sender?: string;
  readonly user?: string;
  readonly domain?: string;
  readonly route?: string;
  readonly class?: string;
  readonly reason?: string;
  readonly olderThan?: string;
  readonly since?: string;
  readonly all?: boolean;
}

type Word = Exclude<keyof Selection, 'ids' | 'all'>;

const OPTIONS: { readonly [word in Word]: readonly [flags: string, about: string] } = {
  recipient: ['--recipient <address>', 'to this recipient'],
  sender: ['--sender <address>', 'from this reverse-path (empty: the null one)'],
  user: ['--user <name>', 'that this user sent with authentication'],
  domain: ['--domain <domain>', 'to this domain'],
  route: ['--route <name>', 'by this route'],
  class: ['--class <class>', 'of this class'],
  reason: ['--reason <text>', 'whose reason has this text somewhere'],
  olderThan: ['--older-than <span>', 'that came in before: 30m, 2h, 7d ago'],
  since: ['--since <time>', 'that came in since: 30m, 2h, 7d ago, or a moment'],
};

/** Adds ids and the options named; `changes` also takes `--all`. */
export function selecting(command: Command, words: readonly Word[], changes: boolean): Command {
  command.argument('[ids...]', 'ids, of an entry (3f9k2m7q0d5xa.1) or of a record (all of its entries)');
  for (const word of words) {
    const option = new Option(...OPTIONS[word]);
    command.addOption(word === 'class' ? option.choices(HELD_CLASSES) : option);
  }
  return changes ? command.option('--all', 'every one there is') : command;
}

/** A change without any choice would mean everything, which has to be said. */
export function mustChoose(selection: Selection): void {
  const { ids, all, ...options } = selection;
  const chosen = ids.length > 0 || WORDS.some((word) => options[word] !== undefined);
  if (chosen && all) throw new CliError('--all leaves nothing to choose: give it alone', USAGE);
  if (!chosen && !all) throw new CliError('which ones? Give ids or an option that chooses, or --all', USAGE);
}

const WORDS = Object.keys(OPTIONS) as Word[];

/** The moment before which what is meant came in. */
export function cameBefore({ olderThan }: Selection, now: Timestamp): Timestamp | undefined {
  if (olderThan === undefined) return undefined;
  const span = parseDuration(olderThan);
  if (span === undefined) throw new CliError(`--older-than "${olderThan}" is not a span: write 30m, 2h or 7d`, USAGE);
  return now - span;
}

/** Ids as filters of the store: those with a number name one entry, those without the whole record. */
export function byId(
  ids: readonly string[],
): readonly { readonly ids?: readonly string[]; readonly recordId?: string }[] {
  if (ids.length === 0) return [{}];
  const whole: string[] = [];
  const single: string[] = [];
  for (const written of ids) {
    const [, record, number] = /^([0-9a-z]{13})(\.\d+)?$/.exec(written.trim().toLowerCase()) ?? [];
    if (record === undefined || timeOfId(record) === undefined)
      throw new CliError(`"${written}" is not an id: it looks like 3f9k2m7q0d5xa, or 3f9k2m7q0d5xa.1`, USAGE);
    if (number === undefined) whole.push(record);
    else single.push(record + number);
  }
  return [...(single.length > 0 ? [{ ids: single }] : []), ...whole.map((recordId) => ({ recordId }))];
}

const PAGE = 500; // entries held in memory at a time

/** What a selection comes to: filters that the store knows, and the rest. */
export interface Wanted<F, T> {
  readonly filters: readonly F[];
  readonly fits: (item: T) => boolean;
}

/** Everything the pages of a store hold, each once. */
export async function* everyPage<F extends object, T extends { readonly id: string }>(
  { filters, fits }: Wanted<F, T>,
  list: (filter: F) => Promise<readonly T[]>,
): AsyncIterable<readonly T[]> {
  const seen = new Set<string>();
  for (const filter of filters)
    for await (const page of pages(list, filter, PAGE)) {
      const fresh = page.filter((item) => !seen.has(item.id) && fits(item));
      if (filters.length > 1) for (const { id } of fresh) seen.add(id);
      if (fresh.length > 0) yield fresh;
    }
}
