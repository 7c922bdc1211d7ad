/** What a stolen account does: to how many it writes, how many of them it never wrote to, how much comes back. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { days, type Millis, minutes, seconds, type Timestamp } from '../mail/time.ts';
import { expression } from '../policy/options.ts';
import type { StateStore } from '../ports/state.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

export const BOUNCES_SPACE = 'bounces';
/** The longest window that bounces can be asked for. */
export const BOUNCES_KEPT: Millis = days(1);
export const bounceKey = (address: string): string => digestOf(address.toLowerCase());

const SPACE = 'behaviour';
/** Their own, as they are many: a user's whole address book. */
const MET = 'correspondents';
/** Questions under way at once. */
const BATCH = 50;

export const userBehaviour = defineCheck({
  name: 'user_behaviour',
  about:
    'What a user has done lately, this message included, so that rules notice a stolen account: messages, different recipients ' +
    '(fan-out), recipients never written to before, and bounces that came back. An empty key counts nothing. Recipients are kept ' +
    'as hashes.',
  stage: 'data',
  scope: 'transaction',
  timeout: seconds(10),
  onError: 'skip',
  needs: [],
  evidence: 'The key that was counted.',
  options: z.strictObject({
    key: expression('string').meta({ about: 'whose behaviour', examples: ['client.user'] }),
    window: duration(minutes(1))
      .prefault('1h')
      .refine((span) => span <= BOUNCES_KEPT, 'expected 1d or less')
      .meta({ about: 'how far back counting goes, a day at most', examples: ['1h'] }),
    remember: duration(days(1))
      .prefault('90d')
      .meta({ about: 'how long a recipient stays known after the last message to it', examples: ['90d'] }),
  }),
  facts: z.object({
    messages: z.number().meta({ about: 'messages in the window', example: 3 }),
    recipients: z.number().meta({ about: 'different recipients in the window', example: 12 }),
    new_recipients: z.number().meta({ about: 'of them, those never written to before', example: 2 }),
    bounces: z.number().meta({
      about:
        'in the window: messages from the null sender to mail.address, our own failures sent to it, and what a route that cuts through ' +
        'refused to it',
      example: 0,
    }),
  }),
  async run({ options, instance, facts, state, now, envelope, evidence }) {
    const { key, window, remember } = options;
    if (key === '') return { messages: 0, recipients: 0, new_recipients: 0, bounces: 0 };
    evidence('key', key);
    const who = `${instance.policy}/${instance.name}/${digestOf(key)}`;
    const mail = textOf(groupOf(facts, 'mail').address);
    const [messages, bounces, met] = await Promise.all([
      state.hit(SPACE, `${who} messages`, now, window, 1),
      mail === '' ? 0 : state.hit(BOUNCES_SPACE, bounceKey(mail), now, window, 0),
      meet(state, who, [...new Set(envelope.recipients.map((one) => one.toLowerCase()))], now, window, remember),
    ]);
    return {
      messages,
      recipients: await state.hit(SPACE, `${who} recipients`, now, window, met.again),
      new_recipients: await state.hit(SPACE, `${who} new`, now, window, met.first),
      bounces,
    };
  },
});

/** How many of them were not written to within the window, and how many never. */
async function meet(
  state: StateStore,
  who: string,
  recipients: readonly string[],
  now: Timestamp,
  window: Millis,
  remember: Millis,
): Promise<{ readonly again: number; readonly first: number }> {
  let again = 0;
  let first = 0;
  for (let n = 0; n < recipients.length; n += BATCH)
    await Promise.all(
      recipients.slice(n, n + BATCH).map(async (recipient) => {
        const key = `${who} ${digestOf(recipient)}`;
        const last = await state.get(MET, key, now);
        if (last === undefined) first += 1;
        if (last === undefined || Number(last) <= now - window) again += 1;
        await state.put(MET, key, String(now), now + remember);
      }),
    );
  return { again, first };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16);
