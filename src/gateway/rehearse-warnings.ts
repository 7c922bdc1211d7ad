/** What a rehearsal plays and SMTP would not have: an address is taken as it stands, and whoever reads the record is told. */
import { parsePath } from '../mail/address.ts';
import type { Scenario } from '../record/scenario.ts';
import { WIRE_REFUSALS } from '../smtp/receive/refusals.ts';

export function warningsOf({ mail_from: from, rcpt = [] }: Scenario): readonly string[] {
  return [
    ...(from === undefined ? [] : warn('mail_from', from, 'reverse')),
    ...rcpt.flatMap((address) => warn('rcpt', address, 'forward')),
  ];
}

function warn(key: string, address: string, side: 'reverse' | 'forward'): readonly string[] {
  const bare = address.replace(/^<|>$/g, '');
  const read = parsePath(`<${bare}>`, true, side);
  if (read.kind === 'ok') return [];
  const { code, enhanced } = WIRE_REFUSALS[side === 'reverse' ? 'bad-sender' : 'bad-recipient'].reply;
  return [`${key} "${bare}" is played as it stands; SMTP answers ${code} ${enhanced} to it: ${read.why}`];
}
