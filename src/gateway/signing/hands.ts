/** Who signs and who seals, as the configuration in force says it, and what a seal tells of the message. */
import type { ReversePath } from '../../mail/envelope.ts';
import type { Facts } from '../../policy/facts.ts';
import { signedAuthors } from '../auth/standing.ts';
import type { HeaderFacts } from '../edge.ts';
import type { SessionState } from '../session-state.ts';
import { isOfSet } from './seal.ts';
import type { Hands } from './stamps.ts';

/** `results` is our `Authentication-Results` of the message, '' where the policy has no check of that kind. */
export function handsFor(s: SessionState, path: ReversePath, facts: Facts, read: HeaderFacts, results: string): Hands {
  const { signingKeys: keys, clock } = s.world;
  const { signing, seal, hostname } = s.current.installation;
  if (keys === undefined) return { signer: undefined, sealer: undefined };
  const at = clock.now();
  return {
    signer: signing.size === 0 ? undefined : { keys, signing, at, authors: signedAuthors(s, path, read) },
    sealer:
      seal &&
      (() => ({
        domain: seal.domain,
        selector: seal.selector,
        key: keys.keyOf(seal.keyFile),
        at,
        chain: chainOf(s, facts),
        sets: read.fields.filter(isOfSet).length,
        results: bodyOf(results) || `${hostname}; none`,
      })),
  };
}

function chainOf({ policy }: SessionState, facts: Facts): string | undefined {
  const name = policy.checks.find(({ check }) => check === 'arc')?.name;
  const told = name === undefined ? undefined : (facts[name] as { readonly result?: unknown } | undefined);
  return typeof told?.result === 'string' ? told.result : undefined;
}

/** Unfolded, less its name. */
const bodyOf = (field: string): string =>
  field
    .slice(field.indexOf(':') + 1)
    .replace(/\r\n/g, '')
    .trim();
