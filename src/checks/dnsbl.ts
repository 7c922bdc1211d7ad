/** The client on DNS blocklists and welcome-lists (RFC 5782), each answer weighed as the operator describes it. */
import { z } from 'zod';
import { parseIp } from '../mail/ip.ts';
import { seconds } from '../mail/time.ts';
import { defineCheck } from './define.ts';
import { askList } from './dnsbl-list.ts';
import { lists, normalized } from './dnsbl-options.ts';
import { groupOf, textOf } from './fact-reader.ts';

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
