/** The words of `services:`, the scanners that are asked. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';

import { text } from './schema-text.ts';

/** A daemon that is there answers the handshake at once; one that is not must not eat a check's time. */
const connectTimeout = () =>
  duration(10).prefault('2s').meta({ description: 'how long connecting may take; the check has its own time beside' });

export const SERVICES = z.strictObject({
  clamav: z
    .strictObject({
      address: text('a host with its port, or unix: and a path').meta({ examples: ['unix:/run/clamav/clamd.ctl'] }),
      connect_timeout: connectTimeout(),
      max_size: size()
        .meta({
          description:
            "Files longer than this are `too-large` and not sent: clamd's StreamMaxLength. Without it clamd says what is too long",
        })
        .optional(),
    })
    .optional(),
  spamassassin: z
    .strictObject({
      address: text('a host with its port, or unix: and a path').meta({ examples: ['127.0.0.1:783'] }),
      connect_timeout: connectTimeout(),
    })
    .optional(),
  rspamd: z
    .strictObject({
      url: text('an address such as "http://127.0.0.1:11333"'),
      connect_timeout: connectTimeout(),
    })
    .optional(),
});
