/** An entry of the queue as a line and as a story. */
import { sayDuration, type Timestamp } from '../mail/time.ts';
import type { QueueEntry } from '../queue/entry.ts';
import type { Suspension } from '../queue/suspension.ts';
import { columns, terminal } from '../record/terminal.ts';
import { suspensionLine } from './queue-suspend.ts';

export function entryLine(entry: QueueEntry, now: Timestamp, by?: Suspension): string {
  const said = entry.last === null ? '' : `  ${entry.last.said}`;
  const state = sayState(entry, now, by).padEnd(16);
  return terminal([`${entry.id}  ${state}  <${senderOf(entry)}> -> <${entry.recipient}> by ${entry.route}${said}`]);
}

export function entryStory(entry: QueueEntry, now: Timestamp, by?: Suspension): string {
  const { last } = entry;
  return terminal([
    entry.id,
    ...columns(
      [
        ['from', `<${senderOf(entry)}> (${entry.sender}${entry.user === undefined ? '' : `, user ${entry.user}`})`],
        ['to', `<${entry.recipient}> by route ${entry.route}`],
        ['size', `${entry.contentSize} octets`],
        ['state', sayState(entry, now, by)],
        ...(by === undefined ? [] : [['', suspensionLine(by, now)]]),
        ['since', `${iso(entry.admittedAt)}, expires ${iso(entry.expiresAt)}`],
        [
          'attempts',
          last === null ? 'none' : `${entry.attempts}, the last at ${iso(last.at)} with ${last.host || 'nobody'}`,
        ],
        ...(last === null ? [] : [['said', last.said]]),
        ['record', `postern trace ${entry.recordId}`],
      ],
      '  ',
    ),
    '',
  ]);
}

export const senderOf = ({ reversePath }: Pick<QueueEntry, 'reversePath'>): string =>
  reversePath.kind === 'null' ? '' : reversePath.mailbox.address;

function sayState({ state }: QueueEntry, now: Timestamp, by: Suspension | undefined): string {
  switch (state.kind) {
    case 'waiting':
      if (by !== undefined) return 'suspended';
      return state.due <= now ? 'due' : `in ${sayDuration(state.due - now)}`;
    case 'leased':
      return 'being sent';
    case 'held':
      return state.why === '' ? 'held' : `held: ${state.why}`;
    case 'quarantined':
    case 'delivered':
    case 'bounced':
    case 'refused':
    case 'removed':
      return state.kind;
  }
}

const iso = (at: Timestamp): string => new Date(at).toISOString();
