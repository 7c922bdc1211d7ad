/** The words by which an operator says which keys sign and seal. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { days } from '../mail/time.ts';
import { path, text } from './schema-text.ts';

const KEY_STATES = ['publish', 'active', 'retired'] as const;
/** What is signed may wait in queues for days (RFC 5321 §4.5.4.1): a signature that is over before fails mail that is right. */
const SIGNATURE_LEAST = days(7);

export const SIGNING = z.array(
  z.strictObject({
    selector: text('a selector'),
    key_file: path,
    state: z
      .enum(KEY_STATES)
      .prefault('active')
      .meta({
        description:
          '`publish`: its record is to stand in DNS, nothing is signed with it yet; `active`: it signs, beside all other active ones; ' +
          '`retired`: it signs no more, its record stands until what it signed has arrived',
      }),
    expire: duration()
      .refine((span) => span >= SIGNATURE_LEAST, 'expected 7d or more: what is signed may wait in queues')
      .optional()
      .meta({
        description:
          'How long its signatures hold (`x=`, RFC 6376 §3.5), counted from the moment a message is taken; without it for ever',
      }),
  }),
);

export const ARC = z.strictObject({
  seal: z
    .strictObject({
      domain: text('a domain of `signing:`'),
      selector: text('one of its selectors').optional(),
    })
    .optional()
    .meta({
      description:
        'With which key mail from outside that goes on to a next hop is sealed (RFC 8617); without a selector by the first active one. ' +
        'Nothing is sealed unless it is written',
    }),
});
