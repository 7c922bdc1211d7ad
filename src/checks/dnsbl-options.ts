/** How a list of addresses is written in a policy: its zone, or a file with it, and what its answers weigh. */
import { z } from 'zod';
import { template } from '../policy/options.ts';
import type { List } from './dnsbl-list.ts';
import { codePattern, eachShownOnce, LIST_NAME, oneZone, zoneAsked, zoneOptions } from './list-options.ts';

/** Each list costs a question for every client. */
const LISTS_MAX = 32;
/** The labels of a reversed IPv6 address with their dots; what is left of a name's 253 octets is the zone's. */
const ZONE_MAX = 253 - 64;

const options = z.strictObject({
  ...zoneOptions({
    asks: 'addresses',
    max: ZONE_MAX,
    what: 'addresses are asked',
    zone: 'zen.spamhaus.org',
    shown: 'key.zen.dq.spamhaus.net',
  }),
  codes: z
    .record(codePattern, z.number())
    .refine((codes) => Object.keys(codes).length > 0, 'expected at least one code, such as { "127.0.0.2": 4 }')
    .meta({
      about: 'what an answer weighs; several that fit add up, one pattern counts once',
      examples: [{ '127.0.0.2-3': 4 }],
    }),
  errors: z
    .array(codePattern)
    .default([])
    .meta({ about: 'answers by which the list says that it will not serve us; 127.255.255.0/24 always is one' }),
  lookup_url: template().optional().meta({ about: 'where the owner of a listed address reads more' }),
  self_test: z
    .boolean()
    .default(true)
    .meta({ about: 'false only for a list of your own without the test points of RFC 5782 §5' }),
});

export const lists = z
  .record(LIST_NAME, options.superRefine(oneZone))
  .refine((all) => Object.keys(all).length <= LISTS_MAX, `expected at most ${LISTS_MAX} lists`)
  .superRefine(eachShownOnce);

export const normalized = ({ zone, shown_as, ...list }: z.output<typeof options>): List => ({
  ...list,
  zone: zoneAsked({ zone, shown_as }),
});
