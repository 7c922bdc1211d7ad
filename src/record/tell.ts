/** The whole story of one record, for a person: who, what and why first, then stage by stage, then what came later. */
import { sayDuration } from '../mail/time.ts';
import { findFact } from './say-value.ts';
import { sayOne, sayReply, sayWhy } from './say-why.ts';
import { tellStage } from './tell-stage.ts';
import { columns, terminal } from './terminal.ts';
import type { EventView, RecordView } from './view.ts';

export function tell(view: RecordView): string {
  return terminal([
    `who   ${sayWho(view)}`,
    `what  ${sayWhat(view)}`,
    `why   ${sayWhy(view)}`,
    '',
    ...tellEach(view),
    ...columns([
      ['record', view.id, `${sayTime(view.at)}, ${sayDuration(view.took_ms)}, on ${view.node}${sayCount(view)}`],
      ['policy', view.policy, `bundle ${view.bundle}`],
      ...(view.message === null ? [] : [['message', sayMessageId(view), `sha256 ${view.message.sha256}`]]),
    ]),
    ...view.stages.flatMap((stage) => ['', ...tellStage(view, stage)]),
    ...view.replies
      .filter(({ to }) => to === 'other')
      .map(({ reply }) => `  answered to another command: ${sayReply(reply)}`),
    ...tellLater(view.events),
  ]);
}

/** With several recipients, a line each. */
function tellEach(view: RecordView): readonly string[] {
  if (view.recipients.length < 2) return [];
  return [...view.recipients.map((recipient) => `  ${sayOne(view, recipient)}`), ''];
}

function sayWho({ facts, listener }: RecordView): string {
  const text = (path: string): string => String(findFact(path, facts) ?? '');
  const name = text('client.name') === '' ? 'no confirmed name' : text('client.name');
  const hello = text('helo.name') === '' ? '' : `, ${text('helo.verb') || 'HELO'} ${text('helo.name')}`;
  const tls = findFact('tls.active', facts) === true ? `, ${text('tls.version')}` : '';
  const user = text('client.user') === '' ? '' : `, as user ${text('client.user')}`;
  return `${text('client.ip') || 'an unknown client'} (${name})${hello}${tls}${user}, at listener ${listener}`;
}

function sayWhat({ facts, message, recipients, kind }: RecordView): string {
  if (kind === 'connection') return 'a connection without a transaction';
  const sender = findFact('mail.address', facts);
  const from = sender === undefined ? 'no sender' : `<${String(sender)}>`;
  const [first] = recipients;
  const to =
    first === undefined ? 'no recipient' : recipients.length === 1 ? `<${first.address}>` : sayMany(recipients);
  const subject = message === null ? '' : `, "${message.subject}", ${saySize(message.size)}`;
  return `from ${from} to ${to}${subject}`;
}

function sayMany(recipients: RecordView['recipients']): string {
  const [first] = recipients;
  return `<${first?.address ?? ''}> and ${recipients.length - 1} more`;
}

function tellLater(events: readonly EventView[]): readonly string[] {
  if (events.length === 0) return [];
  const rows = events.map((event) => [
    sayTime(event.at),
    event.kind,
    event.recipient === 0 ? '' : `.${event.recipient}`,
    event.by,
    event.text,
  ]);
  return ['', 'later', ...columns(rows, '  ')];
}

const sayMessageId = ({ message }: RecordView): string => message?.id || 'no Message-ID';
const sayTime = (iso: string): string => iso.replace('T', ' ').replace('Z', ' UTC');
const sayCount = ({ count }: RecordView): string => (count > 1 ? `, stands for ${count} alike from this network` : '');

function saySize(octets: number): string {
  if (octets < 1024) return `${octets} octets`;
  return octets < 1024 * 1024 ? `${(octets / 1024).toFixed(1)} KiB` : `${(octets / 1024 / 1024).toFixed(1)} MiB`;
}
