/** SpamAssassin's score of a message, asked of spamd, with the preferences of a user where one is named. */
import { z } from 'zod';
import { size } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { expression } from '../policy/options.ts';
import { defineCheck } from './define.ts';
import { askScanner, REQUIRED, RESULT, SCORE, symbols } from './spam-facts.ts';

export const spamassassin = defineCheck({
  name: 'spamassassin',
  about:
    'The score SpamAssassin gives the message. With `user` reading a fact of the recipient, each recipient gets a scan with preferences ' +
    'of its own.',
  stage: 'content',
  // `user` that reads facts of the recipient narrows it; the loader sees to that.
  scope: 'transaction',
  // A scan with network tests takes seconds, a busy daemon lets it wait.
  timeout: seconds(60),
  onError: 'skip',
  needs: [],
  // Its name stands in the Received that spamd is shown.
  awaits: ['rdns'],
  bearsSilence: true,
  service: 'spamassassin',
  evidence: 'Nothing beside its facts.',
  options: z.strictObject({
    // Spam is short: it is sent in millions. spamc(1) has 500 KB.
    max_size: size().prefault('512 KiB').meta({ about: 'longer messages are not scanned' }),
    user: expression('string')
      .optional()
      .meta({ about: "whose preferences hold; '' for none", examples: ['recipient.address'] }),
  }),
  facts: z.object({
    result: RESULT,
    score: SCORE,
    required: REQUIRED,
    symbols: symbols({ name: 'SUBJ_BUY', score: 0.6, about: 'Subject line starts with Buy or Buying' }),
  }),
  async run({ options, services, ...context }) {
    const asked = { maxSize: options.max_size, user: options.user ?? '' };
    const verdict = await askScanner({ service: 'spamassassin', scanner: services.spamassassin, ...asked }, context);
    if (verdict === undefined) return { result: 'too-large' as const, score: 0, required: 0, symbols: [] };
    const { score, required, symbols: found } = verdict;
    return { result: 'scanned' as const, score, required, symbols: found.map((one) => ({ ...one })) };
  },
});
