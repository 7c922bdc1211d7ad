/** One line a record, for a person who looks for one among many (`postern log`). */
import { findFact } from './say-value.ts';
import { sayReply } from './say-why.ts';
import { terminal } from './terminal.ts';
import type { RecordView } from './view.ts';

/** Time, id, client, sender, and for each recipient (or the session) the verdict with its reason. Ends with a line break. */
export function recordLine(view: RecordView): string {
  const { facts, session, recipients } = view;
  const ip = String(findFact('client.ip', facts) ?? '-');
  const sender = findFact('mail.address', facts);
  const head = `${view.at.slice(0, 19)}Z  ${view.id}  ${ip.padEnd(15)}  ${sender === undefined ? '-' : `<${String(sender)}>`}`;
  const count = view.count > 1 ? `  x${view.count}` : '';
  return terminal([`${head}${sayEnds(session, recipients)}${count}`]);
}

const NAMED_MAX = 3; // recipients on one line; `trace` has them all

function sayEnds(session: RecordView['session'], recipients: RecordView['recipients']): string {
  if (session.verdict !== undefined && session.reply !== undefined)
    return `  ${session.verdict} at ${session.stage ?? ''} (${session.reason ?? ''}): ${sayReply(session.reply)}`;
  if (recipients.length === 0) return '  no recipient';
  const ends = recipients
    .slice(0, NAMED_MAX)
    .map(({ address, verdict, reason }) => ` -> <${address}> ${verdict} (${reason})`);
  return `${ends.join(',')}${recipients.length > NAMED_MAX ? ` and ${recipients.length - NAMED_MAX} more` : ''}`;
}
