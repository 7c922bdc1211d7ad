/** Who may give a held message back, by its class, in one table (docs/policy.md §5): the class that asks for more of them stays. */
import type { QuarantineClass } from './disposition.ts';

export type Role = 'recipient' | 'operator' | 'administrator';

/** The least role that may release; those above it may, too. */
export const CLASS_RIGHTS: { readonly [name in QuarantineClass]: Role } = {
  spam: 'recipient',
  bulk: 'recipient',
  policy: 'operator', // a recipient asks for it
  spoof: 'operator',
  attachment: 'operator',
  mixed: 'operator',
  malware: 'administrator',
};

export const RANK: { readonly [role in Role]: number } = { recipient: 0, operator: 1, administrator: 2 };

/** Whether what was held as `before` has to be held as `now`: a file found in spam is not its recipient's to release. */
export const asksMore = (now: QuarantineClass, before: QuarantineClass): boolean =>
  RANK[CLASS_RIGHTS[now]] > RANK[CLASS_RIGHTS[before]];
