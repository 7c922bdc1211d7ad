/** SPF (RFC 7208): whether the domain of the reverse-path, or of HELO when that is null, lets this client send. */
import { spf as evaluate } from 'mailauth/lib/spf/index.js';
import { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';
import { mailauthResolver } from './mailauth-resolver.ts';

const EXPLANATION_MAX = 300; // a domain's own words for a person; longer ones are no help

export const spf = defineCheck({
  name: 'spf',
  about: 'whether the domain of the reverse-path lets this client send for it (RFC 7208)',
  stage: 'mail',
  scope: 'transaction',
  // DNS has three fifths of it: 21 seconds, of which an evaluation must be given 20, and then it is temperror (RFC 7208 §4.6.4).
  timeout: seconds(35),
  onError: 'skip',
  options: z.strictObject({}),
  facts: z.object({
    result: z
      .enum(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'])
      .meta({ about: 'what RFC 7208 §2.6 calls it', example: 'pass' }),
    domain: z.string().meta({ about: "the domain that was asked, or '' where there is none", example: 'example.com' }),
  }),
  needs: [],
  evidence: 'TXT of the domain, and what its terms name',
  async run({ facts, helo, hostname, resolver, evidence, signal }) {
    const mail = groupOf(facts, 'mail');
    const dns = mailauthResolver(resolver, signal);
    const answer = await evaluate({
      ip: textOf(groupOf(facts, 'client').ip),
      // '' is the null reverse-path, checked as postmaster at the name of HELO (RFC 7208 §2.4).
      sender: textOf(mail.address),
      helo: helo.name,
      mta: hostname,
      resolver: dns.resolve as never,
      strict: true,
    });
    const { result, comment } = answer.status as { readonly result: string; readonly comment?: string };
    if (result === 'temperror' || result === 'permerror') evidence('why', whyOf(comment));
    if (answer.explanation !== undefined) evidence('explanation', clean(answer.explanation, EXPLANATION_MAX));
    // mailauth writes - for a domain that was not given.
    return { result: RESULT.parse(result), domain: answer.domain === '-' ? '' : (toAscii(answer.domain) ?? '') };
  },
});

const RESULT = z.enum(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']);

/** mailauth's comment opens with our own name and the sender, which the record has already. */
const whyOf = (comment = ''): string => clean(comment.replace(/^.*?during lookup of \S+: /, ''), EXPLANATION_MAX);
