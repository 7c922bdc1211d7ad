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
import { type MailauthResolver, mailauthResolver } from './mailauth-resolver.ts';
import { HEADER_OCTETS_MAX, type SignatureVerifier, verifySignatures } from './signature-verifier.ts';

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
  async run({ facts, message, now, options, resolver, evidence, signal }) {
    if (message === undefined || ARC_FIELDS.every((name) => message.header.values(name).length === 0))
      return { result: 'none' as const, trusted: false, sealer: '' };
    if (message.content.header.length > HEADER_OCTETS_MAX) {
      evidence('why', `the header section is over ${HEADER_OCTETS_MAX} octets`);
      return { result: 'fail' as const, trusted: false, sealer: '' };
    }
    const dns = mailauthResolver(resolver, signal);
    const verifier = await verifySignatures('ARC', message.content, now, dns, signal);
    const { result, why } = await chainStatus(verifier, dns);
    if (why !== '') evidence('why', why);
    const sets = verifier.arc.chain || [];
    if (result !== 'pass') return { result, trusted: false, sealer: '' };
    const from = textOf(groupOf(facts, 'from').domain);
    return { result, trusted: isTrusted(sets, options.trusted_sealers, from, now), sealer: sealerOf(sets.at(-1)) };
  },
});

async function chainStatus(verifier: SignatureVerifier, dns: MailauthResolver) {
  const { status } = await validateChain(verifier.arc as never, { resolver: dns.resolve as never, strict: true });
  const result = RESULT.parse(status.result);
  // A chain whose form is wrong fails whatever DNS says; else a failure with unanswered questions is not the chain's.
  if (result === 'fail' && verifier.arc.error === undefined && dns.failed.size > 0)
    return { result: 'temperror' as const, why: `no answer for ${[...dns.failed].join(', ')}` };
  return { result, why: result === 'pass' ? '' : clean(status.comment ?? '', 200) };
}

/**
 * From the newest seal downwards, as long as each is of a listed sealer, one whose results say that DMARC passed (RFC 8617
 * §5.2 leaves to us whom to believe): an unlisted one in between could have made up all below it.
 */
function isTrusted(sets: readonly ArcSet[], sealers: List | undefined, from: string, now: number): boolean {
  for (const set of sets.toReversed()) {
    if (sealers?.has(sealerOf(set), now) !== true) return false;
    const { dmarc } = set['arc-authentication-results'].parsed;
    if ((dmarc?.result ?? dmarc?.value) !== 'pass') continue;
    const author = dmarc?.header?.from;
    // What passed must be the author the message names now.
    if (author === undefined || (typeof author === 'string' && toAscii(author.replace(/^.*@/s, '')) === from))
      return true;
  }
  return false;
}

const sealerOf = (set: ArcSet | undefined): string => {
  const domain = set?.['arc-seal'].parsed.d?.value;
  return typeof domain === 'string' ? (toAscii(domain) ?? '') : '';
};
