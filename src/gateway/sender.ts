/** Who stands behind the reverse-path: this decides whether it may ever be sent a notification. */
import type { FactValue } from '../policy/facts.ts';
import type { SenderStanding } from '../queue/entry.ts';
import { factViewOf } from './derived-facts.ts';
import { OURSELVES, routeTo } from './routing.ts';
import type { SessionState } from './session-state.ts';
import type { RecipientState, TransactionState } from './transaction.ts';

type Group = { readonly [fact: string]: FactValue };

/**
 * A report about another message is answered to nobody, whoever sent it. `verified` asks for three things: the author's domain is authenticated (DMARC-aligned), the reverse-path lies in it, and it
 * is the author's own, or one that SPF lets this client use. A signature over a stranger's reverse-path, be it of the same
 * domain or of the one above, would otherwise turn our notifications into backscatter.
 */
export function senderStanding(s: SessionState, tx: TransactionState): SenderStanding {
  if (tx.report) return 'unverified';
  if (s.user !== '') return 'authenticated';
  if (s.trusted || (tx.recipients.length > 0 && tx.recipients.every(({ byRelay }) => byRelay))) return 'trusted';
  const known = factViewOf(tx.ledger, s.policy).known;
  const from = known.from as Group | undefined;
  const mail = known.mail as Group | undefined;
  if (from?.verified !== true || mail === undefined || mail.domain === '') return 'unverified';
  if (!isWithin(String(mail.domain), String(from.domain))) return 'unverified';
  const spfName = s.policy.checks.find(({ check }) => check === 'spf')?.name;
  const spf = spfName === undefined ? undefined : (known[spfName] as Group | undefined);
  const authorized = spf?.result === 'pass' && spf.domain === mail.domain;
  return authorized || mail.address === from.address ? 'verified' : 'unverified';
}

/** May the sender be told of this recipient's refusal, and does it wish to hear (RFC 3461 §4.1)? */
export function mayTell(
  s: SessionState,
  { path }: TransactionState,
  { recipient }: RecipientState,
  standing: SenderStanding,
): boolean {
  if (standing === 'unverified' || path.kind === 'null') return false;
  if (routeTo(path.mailbox, OURSELVES, s.current.installation) === '') return false;
  const { notify = [] } = recipient.parameters;
  return notify.length === 0 || notify.includes('FAILURE');
}

/** Did the sender ask to hear of success, and may it be told? */
export function hearsOfSuccess(
  s: SessionState,
  { path }: TransactionState,
  { recipient }: RecipientState,
  standing: SenderStanding,
): boolean {
  if (standing === 'unverified' || path.kind === 'null' || recipient.parameters.notify?.includes('SUCCESS') !== true)
    return false;
  return routeTo(path.mailbox, OURSELVES, s.current.installation) !== '';
}

const isWithin = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);
