/** Every word of `quarantine.digest`: when recipients are told what was held for them, in whose name, and where their links lead. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { days, hours } from '../mail/time.ts';

/** More often than that, a mail about held mail is a nuisance of its own. */
const EVERY_LEAST = hours(1);
/** Nobody opens a mail and finds its links over; and the page must be reached in working hours. */
const EXPIRES_LEAST = hours(1);
/** Keys that signed are kept as long, and a link is a right that lies in a mailbox. */
export const EXPIRES_MOST = days(60);
/** Times of a day. */
const TIMES_MAX = 24;

const TIME = z
  .string({ error: 'expected a time of day such as "07:00", in quotes' })
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'this is no time of day: expected one such as "07:00", in quotes' })
  .meta({ expected: 'a time of day such as "07:00"' });

export const DIGEST = z.strictObject({
  link: z.string().min(1).max(1000).meta({
    expected: 'an address such as "https://quarantine.example.com"',
    description: 'How recipients reach the pages of `address`: through a proxy that speaks TLS; `/release/…` is added',
  }),
  address: z.string().min(1).max(1000).prefault('127.0.0.1:8026').meta({
    expected: 'an address with its port, such as "127.0.0.1:8026"',
    description: 'Where the pages are served, without TLS: an address of loopback or of a private network only',
  }),
  at: z
    .array(TIME)
    .min(1)
    .max(TIMES_MAX)
    .optional()
    .meta({ description: 'Times of day in `time_zone`; `["07:00"]` where `every` is not said either' }),
  every: duration(EVERY_LEAST)
    .optional()
    .meta({ description: 'In place of `at`: so long after the last round, an hour or more' }),
  time_zone: z.string().min(1).max(100).prefault('UTC').meta({
    expected: 'a time zone such as Europe/Berlin',
    description:
      'Of `at`, and of the times in the mail. A time that a change to summer time leaves out is an hour later',
  }),
  from: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .meta({ expected: 'an address', description: 'In whose name; left out: `postmaster`' }),
  expires: duration(EXPIRES_LEAST)
    .refine((span) => span <= EXPIRES_MOST, 'expected 60d or less: a link is a right that lies in a mailbox')
    .prefault('7d')
    .meta({ description: 'How long a link holds, from an hour to 60 days' }),
  others: z.enum(['none', 'count', 'list']).prefault('count').meta({
    description:
      'Of what was held for them and is not theirs to release (policy, spoof, attachment, malware, mixed): nothing, its number, or each without a link',
  }),
  domains: z
    .array(z.string().min(1).max(1000).meta({ expected: 'a hosted domain' }))
    .max(10_000)
    .optional()
    .meta({ description: 'Whose recipients are told; left out: those of all hosted domains' }),
});
