/** A host that may be asked to take a message, and what is known of it before it is: enough to dial it, name it and prove it. */
import type { Reply } from '../../mail/reply.ts';
import { sayHost } from '../../queue/host.ts';
import type { HostAddress } from '../../queue/route.ts';

export interface Candidate {
  /** As it stands in results, records and `onlyAt`: `mail1.internal:25`, or `mx1.example.com[192.0.2.1]:25` when found by MX. */
  readonly host: string;
  /** What is dialled. Found by MX it is an address, never a name. */
  readonly address: HostAddress;
  /** The name that its certificate has to prove; '' where it has none (unix sockets, address literals). */
  readonly name: string;
  readonly found: Finding;
}

export type Finding =
  /** The operator wrote it down. */
  | { readonly by: 'operator' }
  | {
      readonly by: 'mx';
      /** Whose mail it takes: the recipient's domain, an A-label. */
      readonly domain: string;
      /** The MX answer (or, where there is none, that there is none) came with the AD bit (RFC 7672 §2.2.1). */
      readonly mxSecure: boolean;
      /** So did the answer for this address (RFC 7672 §2.2.2). */
      readonly addressSecure: boolean;
    };

/** What looking for hosts comes to, piece by piece. */
export type Found =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** Some could not be looked up now: nothing final may be said, whatever the others answer but yes or no. */
  | {
      readonly kind: 'trouble';
      readonly why: string;
      /** RFC 3463 §3.5: 4.4.3, DNS does not answer; 4.4.4, no way from here for now. */
      readonly enhanced: '4.4.3' | '4.4.4';
    }
  /** There is no host, and that is DNS's own answer. */
  | { readonly kind: 'refused'; readonly reply: Reply };

/** One that the operator named. */
export function named(address: HostAddress): Candidate {
  const name = address.kind === 'tcp' ? address.host : '';
  return { host: sayHost(address), address, name, found: { by: 'operator' } };
}
