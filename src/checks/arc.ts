/** ARC (RFC 8617): whether the chain of those who handled the message holds, and whether somebody we trust saw DMARC pass. */
import { arc as validateChain } from 'mailauth/lib/arc/index.js';
import type { ArcSet } from 'mailauth/lib/dkim/dkim-verifier.js';
import { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import { listOf } from '../policy/options.ts';
import type { List } from '../policy/policy.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';
import { unverifiable } from './header-cost.ts';
import { type MailauthResolver, mailauthResolver } from './mailauth-resolver.ts';
import { type SignatureVerifier, verifySignatures } from './signature-verifier.ts';

const RESULT = z.enum(['none', 'pass', 'fail', 'temperror']);
const ARC_FIELDS = ['arc-seal', 'arc-message-signature', 'arc-authentication-results'];

export const arc = defineCheck({
  name: 'arc',
  about: 'whether the chain of earlier handlers holds, and whether a trusted one saw DMARC pass (RFC 8617)',
  stage: 'data',
  scope: 'transaction',
  timeout: seconds(20),
  onError: 'skip',
  options: z.strictObject({
    trusted_sealers: listOf('domain')
      .optional()
      .meta({ about: 'domains whose seal is believed; without it nobody is', example: 'lists.sealers' }),
  }),
  facts: z.object({
    result: RESULT.meta({ about: "the chain's status (RFC 8617 §4.4); temperror when DNS failed", example: 'pass' }),
    trusted: z.boolean().meta({
      about: 'the chain passes, and listed sealers alone stand between us and one that saw DMARC pass for this From',
      example: true,
    }),
    sealer: z
      .string()
      .meta({ about: "domain of the newest seal when the chain passes, else ''", example: 'example.net' }),
  }),
  needs: [],
  evidence: 'TXT of each key; why a chain does not hold',
  async run({ facts, message, now, options, limits, resolver, evidence, signal }) {
    if (message === undefined || ARC_FIELDS.every((name) => message.header.values(name).length === 0))
      return { result: 'none' as const, trusted: false, sealer: '' };
    const costly = unverifiable(message.content.header);
    if (costly !== undefined) {
      evidence('why', costly);
      return { result: 'fail' as const, trusted: false, sealer: '' };
    }
    const dns = mailauthResolver(resolver, signal);
    const verifier = await verifySignatures('ARC', message.content, limits.signatures, now, dns, signal);
    // Read before the chain is validated: mailauth takes the newest set's results apart.
    const seals = (verifier.arc.chain || []).map(sealOf);
    const { result, why } = await chainStatus(verifier, dns);
    if (why !== '') evidence('why', why);
    if (result !== 'pass') return { result, trusted: false, sealer: '' };
    const from = textOf(groupOf(facts, 'from').domain);
    const trusted = isTrusted(seals, options.trusted_sealers, from, now);
    return { result, trusted, sealer: seals.at(-1)?.sealer ?? '' };
  },
});

async function chainStatus(verifier: SignatureVerifier, dns: MailauthResolver) {
  const { status } = await validateChain(verifier.arc as never, { resolver: dns.resolve as never, strict: true });
  const result = RESULT.parse(status.result);
  // A chain whose form is wrong fails before DNS is asked; else a failure with unanswered questions is not the chain's.
  if (result === 'fail' && dns.failed.size > 0)
    return { result: 'temperror' as const, why: `no answer for ${[...dns.failed].join(', ')}` };
  return { result, why: result === 'pass' ? '' : clean(status.comment ?? '', 200) };
}

/**
 * From the newest seal downwards, as long as each is of a listed sealer, one whose results say that DMARC passed (RFC 8617
 * §5.2 leaves to us whom to believe): an unlisted one in between could have made up all below it.
 */
function isTrusted(seals: readonly Seal[], listed: List | undefined, from: string, now: number): boolean {
  for (const { sealer, dmarc, author } of seals.toReversed()) {
    if (listed?.has(sealer, now) !== true) return false;
    // What passed must be the author the message names now.
    if (dmarc === 'pass' && (author === undefined || author === from)) return true;
  }
  return false;
}

/** Who sealed, and what its ARC-Authentication-Results say of DMARC. */
interface Seal {
  readonly sealer: string;
  readonly dmarc: string;
  /** `header.from`; undefined where it is not told. */
  readonly author: string | undefined;
}

function sealOf(set: ArcSet): Seal {
  const { dmarc } = set['arc-authentication-results'].parsed;
  const author = dmarc?.header?.from;
  return {
    sealer: domainOf(set['arc-seal'].parsed.d?.value),
    dmarc: typeof dmarc?.value === 'string' ? dmarc.value.toLowerCase() : '',
    author: author === undefined ? undefined : domainOf(author),
  };
}

const domainOf = (value: unknown): string =>
  typeof value === 'string' ? (toAscii(value.replace(/^.*@/s, '')) ?? '') : '';
