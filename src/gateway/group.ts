/** Which of the entries in hand go out together: same message, same octets, same way, a recipient each. */
import type { Lease } from '../ports/queue.ts';

/** The least a server must take (RFC 5321 §4.5.3.1.8); more would be answered 452 by some. */
const RECIPIENTS_MAX = 100;

/** All are for one destination. */
export function groupLeases(leases: readonly Lease[]): readonly (readonly Lease[])[] {
  if (leases.length <= 1) return leases.length === 0 ? [] : [leases];
  const groups = new Map<string, Lease[]>();
  const full: Lease[][] = [];
  for (const lease of leases) {
    const { recordId, reversePath, mailFrom, route, contentRef, prefix, edits, last } = lease.entry;
    // One record is one MAIL: body, utf8, RET and ENVID are alike in it. Only a copy has a reverse-path of its own.
    const to = [route, last?.onlyAt ?? ''];
    const key = JSON.stringify([recordId, mailFrom ?? reversePath, to, contentRef, prefix, edits]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [lease]);
    else if (group.push(lease) >= RECIPIENTS_MAX) {
      full.push(group);
      groups.delete(key);
    }
  }
  return [...full, ...groups.values()];
}
