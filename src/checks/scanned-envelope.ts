/** What a spam scanner is told beside the message: who brought it, from whom and for whom. */
import type { ScannedEnvelope } from '../ports/services.ts';
import type { CheckContext } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

export function scannedEnvelope({
  facts,
  helo,
  envelope,
  hostname,
  now,
}: Pick<CheckContext<unknown>, 'facts' | 'helo' | 'envelope' | 'hostname' | 'now'>): ScannedEnvelope {
  const client = groupOf(facts, 'client');
  return {
    client: { ip: textOf(client.ip), name: textOf(client.name) },
    helo: helo.name,
    user: textOf(client.user),
    from: textOf(groupOf(facts, 'mail').address),
    recipients: envelope.recipients,
    id: envelope.id,
    by: hostname,
    at: now,
  };
}
