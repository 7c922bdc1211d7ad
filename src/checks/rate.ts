/** How often something happened lately: a sliding window over whatever the key names. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { expression } from '../policy/options.ts';
import { defineCheck } from './define.ts';

/** Longer keys are kept as their hash: what comes from outside does not size our memory. */
const KEY_MAX = 200;
const RATE_SPACE = 'rate';

export const rate = defineCheck({
  name: 'rate',
  about:
    'Counts events under a key in a sliding window: connections in `connect`, messages in `mail`, recipients in `rcpt`. ' +
    'Give each an `as:`. An empty key counts nothing.',
  stage: 'connect',
  // A key that reads facts of the recipient narrows it further; the loader sees to that.
  scope: (_, stage) =>
    stage === 'rcpt' ? 'recipient' : stage === 'connect' || stage === 'helo' ? 'session' : 'transaction',
  timeout: seconds(5),
  onError: 'skip',
  needs: [],
  evidence: 'The key that was counted.',
  options: z.strictObject({
    key: expression('string').meta({ about: 'what is counted together', examples: ['client.network', 'mail.address'] }),
    limit: z
      .int()
      .min(0)
      .meta({ about: 'how many are not too many', examples: [200] }),
    window: duration(seconds(1)).meta({ about: 'how far back counting goes', examples: ['10m'] }),
  }),
  facts: z.object({
    count: z.number().meta({ about: 'events in the window, this one included', example: 12 }),
    exceeded: z.boolean().meta({ about: 'there are more than the limit', example: false }),
  }),
  async run({ options, instance, state, now, evidence }) {
    const { key, limit, window } = options;
    if (key === '') return { count: 0, exceeded: false };
    evidence('key', key);
    const kept = key.length > KEY_MAX ? createHash('sha256').update(key).digest('hex') : key;
    const count = await state.hit(RATE_SPACE, `${instance.policy}/${instance.name}/${kept}`, now, window, 1);
    return { count, exceeded: count > limit };
  },
});
