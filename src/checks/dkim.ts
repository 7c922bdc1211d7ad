/** DKIM (RFC 6376, 8301, 8463): which domains take responsibility for the message, by signatures that hold. */
import type { SignatureResult } from 'mailauth/lib/dkim/dkim-verifier.js';
import { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import type { FactValue } from '../policy/facts.ts';
import { defineCheck } from './define.ts';
import { unverifiable } from './header-cost.ts';
import { mailauthResolver } from './mailauth-resolver.ts';
import { verifySignatures } from './signature-verifier.ts';

/** RFC 8601 §2.7.1, the one that says most for the message first. */
const RESULTS = ['pass', 'temperror', 'fail', 'policy', 'permerror', 'neutral', 'none'] as const;
const RESULT = z.enum(RESULTS);
const NAME_MAX = 253; // of a domain or selector as a signature has it

export const dkim = defineCheck({
  name: 'dkim',
  about: 'which domains signed the message, and whether their signatures hold (RFC 6376)',
  stage: 'data',
  scope: 'transaction',
  timeout: seconds(20),
  onError: 'skip',
  options: z.strictObject({}),
  facts: z.object({
    result: RESULT.meta({ about: 'the best result of any signature (RFC 8601 §2.7.1)', example: 'pass' }),
    signatures: z
      .array(z.object({ domain: z.string(), selector: z.string(), algorithm: z.string(), result: RESULT }))
      .meta({
        about: 'each signature in the order of the header section',
        example: [{ domain: 'example.com', selector: 's2026', algorithm: 'ed25519-sha256', result: 'pass' }],
      }),
    domains: z.array(z.string()).meta({ about: 'domains whose signature passed', example: ['example.com'] }),
  }),
  needs: [],
  evidence: 'TXT of each key; why a signature does not hold',
  async run({ message, now, limits, resolver, evidence, signal }) {
    if (message === undefined || message.header.values('dkim-signature').length === 0)
      return { result: 'none' as const, signatures: [], domains: [] };
    const why = unverifiable(message.content.header);
    if (why !== undefined) {
      evidence('why', why);
      return { result: 'permerror' as const, signatures: [], domains: [] };
    }
    const dns = mailauthResolver(resolver, signal);
    const { results } = await verifySignatures('DKIM', message.content, limits.signatures, now, dns, signal);
    const told = results.map(remarkOf).filter((remark) => remark !== undefined);
    if (told.length > 0) evidence('signatures', told);
    const signatures = results.filter((result) => result.status.result !== 'none').map(signatureOf);
    return {
      result: RESULTS.find((word) => signatures.some((signature) => signature.result === word)) ?? ('none' as const),
      signatures,
      domains: [...new Set(signatures.filter(({ result }) => result === 'pass').map(({ domain }) => domain))],
    };
  },
});

function signatureOf({ signingDomain = '', selector = '', algo = '', status }: SignatureResult) {
  return {
    domain: nameOf(signingDomain),
    selector: nameOf(selector),
    algorithm: clean(algo.toLowerCase(), 40),
    result: RESULT.parse(status.result),
  };
}

const nameOf = (name: string): string => toAscii(name) ?? clean(name, NAME_MAX);

/** What a person would ask about a signature: why it does not hold, or how much of the body it leaves open (RFC 6376 §8.2). */
function remarkOf({ signingDomain = '', selector = '', status }: SignatureResult): FactValue | undefined {
  const open = status.underSized ?? 0;
  const why = open > 0 ? `its l= leaves ${open} octets of the body unsigned` : (status.comment ?? '');
  if (why === '' || status.result === 'none') return undefined;
  return { domain: nameOf(signingDomain), selector: nameOf(selector), why: clean(why, 200) };
}
