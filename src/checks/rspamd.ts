/** Rspamd's score of a message and what it would do with it; what it is told of the envelope is part of its judgement. */
import { z } from 'zod';
import { size } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { expression } from '../policy/options.ts';
import { defineCheck } from './define.ts';
import { askScanner, REQUIRED, RESULT, SCORE, symbols } from './spam-facts.ts';

export const rspamd = defineCheck({
  name: 'rspamd',
  about:
    'The score rspamd gives the message, told of client, HELO, authenticated user, sender and recipients. With `user` reading a fact of the ' +
    'recipient, each recipient gets a scan of its own.',
  stage: 'content',
  scope: 'transaction',
  // Its own task_timeout is 8 seconds.
  timeout: seconds(30),
  onError: 'skip',
  needs: [],
  // Its name is a header of the request.
  awaits: ['rdns'],
  bearsSilence: true,
  service: 'rspamd',
  evidence: 'Nothing beside its facts.',
  options: z.strictObject({
    max_size: size().prefault('10 MiB').meta({ about: 'longer messages are not scanned' }),
    user: expression('string')
      .optional()
      .meta({
        about: "for whom rspamd looks up settings (`Deliver-To`); '' for none",
        examples: ['recipient.address'],
      }),
  }),
  facts: z.object({
    result: RESULT,
    score: SCORE,
    required: REQUIRED,
    // Not an enum: an operator of rspamd may define actions of other names.
    action: z.string().meta({
      about:
        'what rspamd would do: `no action`, `greylist`, `add header`, `rewrite subject`, `soft reject`, `reject`, or a word of its own configuration',
      example: 'add header',
    }),
    symbols: symbols({ name: 'DATE_IN_PAST', score: 1, about: 'Message date is in past' }),
  }),
  async run({ options, services, ...context }) {
    const asked = { maxSize: options.max_size, user: options.user ?? '' };
    const verdict = await askScanner({ service: 'rspamd', scanner: services.rspamd, ...asked }, context);
    if (verdict === undefined) return { result: 'too-large' as const, score: 0, required: 0, action: '', symbols: [] };
    const { score, required, action, symbols: found } = verdict;
    return { result: 'scanned' as const, score, required, action, symbols: found.map((one) => ({ ...one })) };
  },
});
