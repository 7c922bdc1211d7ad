/** How a list in the DNS is written in a policy: its zone, or a file with it, and what its answers weigh. */
import { z } from 'zod';
import { questionName } from '../mail/dns-name.ts';
import { secretFile, template } from '../policy/options.ts';
import { parseCodePattern } from './dnsbl-codes.ts';
import type { List } from './dnsbl-list.ts';

/** Each list costs a question for every client. */
const LISTS_MAX = 32;
/** The labels of a reversed IPv6 address with their dots; what is left of a name's 253 octets is the zone's. */
const ZONE_MAX = 253 - 64;

const codePattern = z
  .string()
  .refine(
    (text) => parseCodePattern(text) !== undefined,
    'expected an address in 127.0.0.0/8 whose octets may be ranges or *, such as "127.0.0.2-3" or "127.0.*.1"',
  );

const zoneName = () =>
  z.string().refine((text) => {
    const name = questionName(text);
    return name !== undefined && name !== '' && name.length <= ZONE_MAX;
  }, 'expected a domain name, such as zen.spamhaus.org');

const options = z.strictObject({
  zone: zoneName()
    .optional()
    .meta({ about: 'the domain under which addresses are asked', examples: ['zen.spamhaus.org'] }),
  // A key must not stand in a policy, which is no secret.
  zone_file: secretFile('shown_as')
    .optional()
    .meta({
      about:
        "in place of `zone`, where its name holds a key: a file (from the policies' folder) whose one line is the zone, not readable by others",
      examples: ['../secrets/zen'],
    }),
  shown_as: zoneName()
    .optional()
    .meta({
      about:
        'with `zone_file`: the domain that stands for the zone in records, logs and facts, and under which zone files of tests answer',
      examples: ['key.zen.dq.spamhaus.net'],
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

/** Under which name is it asked: one of two, and what hides a key is written beside it. */
const list = options.superRefine(({ zone, zone_file, shown_as }, context) => {
  const wrong = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  if (zone === undefined && zone_file === undefined)
    context.addIssue({
      code: 'custom',
      message: 'the list has no zone: expected `zone:`, or `zone_file:` with `shown_as:`',
    });
  else if (zone !== undefined && zone_file !== undefined)
    wrong('zone_file', '`zone` and `zone_file` both say where to ask: expected one of them');
  else if (zone !== undefined && shown_as !== undefined)
    wrong(
      'shown_as',
      '`zone` stands in the open, nothing is shown in its place: expected `shown_as` beside `zone_file` only',
    );
  else if (zone_file !== undefined && shown_as === undefined)
    wrong(
      'zone_file',
      'nothing says what is shown in its place: expected `shown_as:` beside it, such as key.zen.dq.spamhaus.net',
    );
});

/** The resolver would put the key into the questions of both. */
export const lists = z
  .record(z.string().regex(/^[a-z_][a-z0-9_]*$/, 'expected a name of a-z, 0-9 and _'), list)
  .refine((all) => Object.keys(all).length <= LISTS_MAX, `expected at most ${LISTS_MAX} lists`)
  .superRefine((all, context) => {
    const open = new Set(Object.values(all).flatMap(({ zone }) => (zone === undefined ? [] : [questionName(zone)])));
    for (const [name, { shown_as }] of Object.entries(all))
      if (shown_as !== undefined && open.has(questionName(shown_as)))
        context.addIssue({
          code: 'custom',
          path: [name, 'shown_as'],
          message: `"${shown_as}" is the zone of another list: expected a name that nothing else is asked under`,
        });
  });

/** The same for lists of domains. */
export const uriLists = lists;

/** Where a key hides behind `shown_as`, the check does not know it: the resolver puts it in. */
export const normalized = ({ zone, shown_as, ...list }: z.output<typeof options>): List => ({
  ...list,
  zone: questionName(zone ?? shown_as ?? '')!,
});
