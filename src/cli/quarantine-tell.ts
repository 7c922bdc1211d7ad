/** A held message as a line, as a story, and as other programs read it. */
import { RELEASED_BY } from '../gateway/quarantine/rights.ts';
import type { QuarantineItem } from '../ports/queue.ts';
import { type EntryView, entryView } from '../queue/entry-view.ts';
import { sayScores } from '../record/scores.ts';
import { columns, terminal } from '../record/terminal.ts';
import type { Held } from './quarantine-choice.ts';
import { senderOf } from './queue-tell.ts';

export function heldLine({ item, scores }: Held): string {
  const { entry } = item;
  const scored = scores === undefined ? '' : sayScores(scores);
  return terminal([
    `${item.id}  ${iso(item.at).slice(0, 19)}Z  ${item.class.padEnd(13)}  ${saySize(entry.contentSize).padStart(8)}  ` +
      `<${senderOf(entry)}> -> <${entry.recipient}>  ${item.reason}${scored === '' ? '' : `  (${scored})`}`,
  ]);
}

export const heldStory = ({ item, scores, writtenTo, until }: Held): string =>
  terminal([
    item.id,
    ...columns(
      [
        ['from', `<${senderOf(item.entry)}> (${item.entry.sender})`],
        ['to', `<${item.entry.recipient}> by route ${item.entry.route}, once released`],
        ...(isSame(writtenTo, item)
          ? []
          : [['for', `<${writtenTo}>, as the sender wrote: a rule redirects it`] as const]),
        ['size', `${item.entry.contentSize} octets`],
        ['class', `${item.class}, released by ${RELEASED_BY[item.class]}`],
        ['why', item.reason],
        ['rule', item.rule === '' ? 'none' : item.rule],
        ['scores', scores === undefined ? 'its record is over' : sayScores(scores) || 'none'],
        ['since', iso(item.at)],
        ['until', iso(until)],
        ['record', `postern trace ${item.recordId}`],
      ],
      '  ',
    ),
  ]);

const isSame = (address: string, { entry }: QuarantineItem): boolean =>
  address.toLowerCase() === entry.recipient.toLowerCase();

/** As other programs read it. */
export interface HeldView {
  readonly id: string;
  readonly record_id: string;
  readonly at: string;
  /** When it is deleted. */
  readonly until: string;
  readonly class: QuarantineItem['class'];
  readonly released_by: string;
  /** Whom the sender wrote to; `entry.recipient` is whom it goes to. */
  readonly written_to: string;
  readonly reason: string;
  readonly rule: string;
  /** null where its record is over. */
  readonly scores: {
    readonly total: number;
    readonly scanners: { readonly [name: string]: number };
    readonly signature: string;
  } | null;
  readonly entry: EntryView;
}

export const heldView = ({ item, scores, writtenTo, until }: Held): HeldView => ({
  id: item.id,
  record_id: item.recordId,
  at: iso(item.at),
  until: iso(until),
  class: item.class,
  released_by: RELEASED_BY[item.class],
  written_to: writtenTo,
  reason: item.reason,
  rule: item.rule,
  scores: scores ?? null,
  entry: entryView(item.entry),
});

function saySize(octets: number): string {
  if (octets < 1024) return `${octets} B`;
  return octets < 1024 ** 2 ? `${(octets / 1024).toFixed(1)} KiB` : `${(octets / 1024 ** 2).toFixed(1)} MiB`;
}

const iso = (at: number): string => new Date(at).toISOString();
