/** `on_error: { defer: { for, then: quarantine } }`: a message that kills its scanner does not end as a bounce five days later. */
import type { Timestamp } from '../mail/time.ts';
import type { Disposition } from '../policy/disposition.ts';
import type { StateStore } from '../ports/state.ts';

const SPACE = 'patience';

/** Counted by sender, recipient and content. Answers whether the message was first seen longer ago than the policy waits. */
export async function isPatienceOver(
  disposition: Disposition,
  message: { readonly sender: string; readonly recipient: string; readonly sha256: string },
  state: StateStore,
  at: Timestamp,
): Promise<boolean> {
  if (disposition.kind !== 'defer' || disposition.patience === undefined) return false;
  const { span } = disposition.patience;
  const key = `${message.sender} ${message.recipient} ${message.sha256}`;
  const first = await state.get(SPACE, key, at);
  if (first !== undefined) return at - Number(first) >= span;
  // Kept as long again as we wait: senders try for days, and a new first time would begin the wait anew.
  await state.put(SPACE, key, String(at), at + span * 2 + KEEP);
  return false;
}

const KEEP = 5 * 86_400_000; // RFC 5321 §4.5.4.1: senders give up after four or five days
