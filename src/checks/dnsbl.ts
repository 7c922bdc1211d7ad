/** The client on DNS blocklists and welcome-lists (RFC 5782), each answer weighed as the operator describes it. */
import { z } from 'zod';
import { questionName } from '../mail/dns-name.ts';
import { parseIp } from '../mail/ip.ts';
import { seconds } from '../mail/time.ts';
import { secretFile, template } from '../policy/options.ts';
import { defineCheck } from './define.ts';
import { parseCodePattern } from './dnsbl-codes.ts';
import { askList, type List } from './dnsbl-list.ts';
import { groupOf, textOf } from './fact-reader.ts';

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
const lists = z
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

export const dnsbl = defineCheck({
  name: 'dnsbl',
  about:
    'Asks blocklists and welcome-lists about the client, IPv4 and IPv6 (RFC 5782). Codes that nobody described and ' +
    '127.255.255.0/24 are errors, not listings. A list that lists 127.0.0.1 or does not list 127.0.0.2 (for IPv6 clients ' +
    '::ffff:7f00:1 and ::ffff:7f00:2) is out of use until it mends: it counts nothing and stands under `failed`. The test ' +
    'points are asked with every client and kept for the TTL the list gives them, an hour at most.',
  stage: 'connect',
  scope: 'session',
  // A little more than the resolver's own time, so that a silent list is one that failed, and the others count.
  timeout: seconds(6),
  onError: 'skip',
  needs: [],
  evidence: "Each list's questions with their answers, and why a list counted nothing.",
  options: z.strictObject({ lists }),
  facts: z.object({
    score: z.number().meta({ about: 'sum of the weights of all listings', example: 4 }),
    listed_by: z
      .array(z.string())
      .meta({ about: 'lists that weigh above 0, in the order written', example: ['spamhaus'] }),
    answers: z
      .array(z.object({ list: z.string(), code: z.string() }))
      .meta({ about: 'every described code with its list', example: [{ list: 'spamhaus', code: '127.0.0.2' }] }),
    failed: z.array(z.string()).meta({ about: 'lists without a usable answer', example: ['spamhaus'] }),
    lookup_url: z
      .string()
      .meta({ about: "of the first in listed_by that has one, or ''", example: 'https://check.example/192.0.2.1' }),
  }),
  async run({ facts, options, resolver, evidence, signal }) {
    const client = parseIp(textOf(groupOf(facts, 'client').ip));
    if (client === undefined)
      throw new RangeError('Cannot ask a blocklist as the client must have an address: it has none');
    const lists = Object.entries(options.lists);
    const said = await Promise.all(lists.map(([, each]) => askList(normalized(each), client, resolver, signal)));
    const result = {
      score: 0,
      listed_by: [] as string[],
      answers: [] as Answer[],
      failed: [] as string[],
      lookup_url: '',
    };
    for (const [place, [name, each]] of lists.entries()) {
      const says = said[place]!;
      switch (says.kind) {
        case 'absent':
          break;
        case 'silent':
          evidence(name, 'holds no IPv6 addresses');
          break;
        case 'failed':
          evidence(name, says.why);
          result.failed.push(name);
          break;
        case 'listed':
          result.score += says.weight;
          result.answers.push(...says.codes.map((code) => ({ list: name, code })));
          if (says.weight > 0) {
            result.listed_by.push(name);
            result.lookup_url ||= each.lookup_url ?? '';
          }
          break;
      }
    }
    // Weights such as 0.1 add up to 0.30000000000000004.
    return { ...result, score: Math.round(result.score * 1e6) / 1e6 };
  },
});

interface Answer {
  readonly [name: string]: string;
  readonly list: string;
  readonly code: string;
}

/** Where a key hides behind `shown_as`, the check does not know it: the resolver puts it in. */
const normalized = ({ zone, shown_as, ...list }: z.output<typeof options>): List => ({
  ...list,
  zone: questionName(zone ?? shown_as ?? '')!,
});
