/** Whether somebody may give a held message back. */
import { CLASS_RIGHTS, RANK, type Role } from '../../policy/held-rights.ts';
import type { QuarantineItem } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';

/** A recipient by their own address, a person at the gateway by the name of their account. */
export interface Releaser {
  readonly role: Role;
  /** On record. For a recipient: the address that the items must be for. */
  readonly name: string;
}

export const RELEASED_BY: { readonly [name in HeldClass]: Role } = { ...CLASS_RIGHTS, undeliverable: 'operator' };

/** Why not, and what mends it. */
export interface Denied {
  readonly why: string;
  readonly remedy: string;
}

/** Undefined: they may. */
export function denied(who: Releaser, item: QuarantineItem, why: string): Denied | undefined {
  // Whose it is comes first: nobody learns of another's mail.
  if (who.role === 'recipient' && item.entry.recipient.toLowerCase() !== who.name.toLowerCase())
    return { why: 'it is for somebody else', remedy: 'only its recipient, or an operator, may release it' };
  const least = RELEASED_BY[item.class];
  if (RANK[who.role] < RANK[least])
    return {
      why: `class ${item.class} is released by ${ARTICLE[least]} ${least} only`,
      remedy: who.role === 'recipient' ? `ask ${ARTICLE[least]} ${least}` : `give --role ${least}`,
    };
  if (item.class === 'malware' && why === '')
    return { why: 'class malware is never released without a reason', remedy: 'say it with --why' };
  return undefined;
}

const ARTICLE: { readonly [role in Role]: string } = { recipient: 'its', operator: 'an', administrator: 'an' };
