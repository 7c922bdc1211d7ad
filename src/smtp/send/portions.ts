/** Which recipients go into the next transaction over a line, as the host's LIMITS allow (RFC 9422). */
import type { QueueEntry } from '../../queue/entry.ts';
import type { Peer } from './peer.ts';

/** From the front of `entries`, as many as fit; none when this line can take no more of them. */
export function nextPortion<E extends Pick<QueueEntry, 'domain'>>(peer: Peer, entries: readonly E[]): readonly E[] {
  const { mail, rcpt, rcptDomains } = peer.can.limits;
  if (peer.messages >= mail) return [];
  const domains = new Set(peer.domains);
  const portion: E[] = [];
  for (const entry of entries) {
    domains.add(entry.domain);
    if (portion.length >= rcpt || domains.size > rcptDomains) break;
    portion.push(entry);
  }
  return portion;
}
