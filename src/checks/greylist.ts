/** Greylisting (RFC 6647): whom we have not met is asked to come back, and known once it has. */
import { getDomain } from 'tldts';
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { minutes, seconds, type Timestamp } from '../mail/time.ts';
import type { Facts } from '../policy/facts.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

export const GREYLIST_SPACE = 'greylist';
/** What stands under the key of a sender that has come back. */
export const KNOWN = 'known';

const RESULT = z.enum(['wait', 'passed', 'known', 'exempt']);

export const greylist = defineCheck({
  name: 'greylist',
  about:
    'Whether this sender has tried before and come back, as queueing mail servers do (RFC 6647). A sender is the domain that ' +
    'SPF authenticated, else the organizational domain of its confirmed reverse name, else its /24 or /64: never one ' +
    'address, so that the pools of large senders pass.',
  stage: 'rcpt',
  scope: 'recipient',
  timeout: seconds(5),
  onError: 'skip',
  needs: ['spf', 'rdns'],
  bearsSilence: true, // a sender that SPF does not name is known by what comes next
  evidence: "Since when the sender is waited for, or '' when it is not.",
  options: z.strictObject({
    delay: duration(seconds(1))
      .prefault('5m')
      .meta({ about: 'how long to stay away (RFC 6647 §5: from a minute to a day)', examples: ['5m'] }),
    window: duration(minutes(1))
      .prefault('24h')
      .meta({ about: 'from the first try, how long a return counts (RFC 6647 §5)', examples: ['24h'] }),
    lifetime: duration(minutes(1))
      .prefault('35d')
      .meta({
        about: 'how long a sender stays known after its last mail: over a month, for monthly ones',
        examples: ['35d'],
      }),
  }),
  facts: z.object({
    result: RESULT.meta({
      about:
        'wait: come back later; passed: has just come back; known: came back before; ' +
        'exempt: authenticated or trusted, never asked to',
      example: 'wait',
    }),
    wait: z.number().meta({ about: 'seconds still to wait, 0 when none', example: 300, unit: 'seconds' }),
    key: z.string().meta({ about: 'the sender, as it is remembered', example: 'spf:example.com' }),
  }),
  async run({ facts, options, state, now, evidence }): Promise<Greylisted> {
    const client = groupOf(facts, 'client');
    const key = senderOf(facts);
    if (client.trusted === true || textOf(client.user) !== '') return { result: 'exempt', wait: 0, key };
    const kept = await state.get(GREYLIST_SPACE, key, now);
    if (kept === KNOWN) {
      await state.put(GREYLIST_SPACE, key, KNOWN, now + options.lifetime);
      return { result: 'known', wait: 0, key };
    }
    const first: Timestamp = kept === undefined ? now : Number(kept);
    if (kept === undefined) await state.put(GREYLIST_SPACE, key, String(now), now + options.window);
    evidence('first', new Date(first).toISOString());
    const left = first + options.delay - now;
    if (left > 0) return { result: 'wait', wait: Math.ceil(left / 1000), key };
    await state.put(GREYLIST_SPACE, key, KNOWN, now + options.lifetime);
    return { result: 'passed', wait: 0, key };
  },
});

interface Greylisted {
  readonly [fact: string]: string | number;
  result: z.output<typeof RESULT>;
  wait: number;
  key: string;
}

function senderOf(facts: Facts): string {
  const spf = groupOf(facts, 'spf');
  const authenticated = spf.result === 'pass' ? textOf(spf.domain) : '';
  if (authenticated !== '') return `spf:${authenticated}`;
  const client = groupOf(facts, 'client');
  // Private suffixes count: customers under one provider's domain are different senders.
  const organization = getDomain(textOf(client.name), { allowPrivateDomains: true });
  return organization !== null ? `name:${organization}` : `net:${textOf(client.network)}`;
}
