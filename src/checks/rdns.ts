/** Reverse DNS of the client, confirmed forward (RFC 8601 §2.7.3 "iprev"). */
import { z } from 'zod';
import { parseIp, reverseName } from '../mail/ip.ts';
import { seconds } from '../mail/time.ts';
import type { DnsAnswer } from '../ports/resolver.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

/** Names confirmed for one address: the number RFC 7208 §4.6.4 allows for the like. */
const NAMES_MAX = 10;

const RESULT = z.enum(['pass', 'fail', 'temperror', 'permerror']);

export const rdns = defineCheck({
  name: 'rdns',
  about: "The client's reverse name, and whether the name leads back to the address (RFC 8601 §2.7.3, iprev).",
  stage: 'connect',
  scope: 'session',
  // Two questions one after the other, each within the resolver's own time, so that its silence is a `temperror`.
  timeout: seconds(12),
  onError: 'skip',
  needs: [],
  evidence: 'The PTR records of the address, then the A or AAAA records of the first ten names in alphabetical order.',
  options: z.strictObject({}),
  facts: z.object({
    result: RESULT.meta({
      about:
        'pass: a name leads back; fail: there are names and none does; permerror: there is no name; ' +
        'temperror: DNS does not answer',
      example: 'pass',
    }),
    name: z
      .string()
      .meta({ about: "the name that leads back, else the first one there is, else ''", example: 'mx.example.com' }),
  }),
  async run({ facts, resolver, signal }): Promise<{ result: z.output<typeof RESULT>; name: string }> {
    const ip = parseIp(textOf(groupOf(facts, 'client').ip));
    if (ip === undefined) return { result: 'permerror', name: '' };
    const reverse = await resolver.resolve(reverseName(ip), 'PTR', signal);
    if (reverse.kind === 'failed') return { result: 'temperror', name: '' };
    // "No PTR data are published for the connecting IP address".
    if (reverse.kind === 'empty') return { result: 'permerror', name: '' };
    // DNS gives them in any order; the record shall not depend on it.
    const names = reverse.records
      .flatMap((record) => (record.type === 'PTR' && record.name !== '' ? [record.name] : []))
      .sort()
      .slice(0, NAMES_MAX);
    const forward = await Promise.all(
      names.map((name) => resolver.resolve(name, ip.family === 4 ? 'A' : 'AAAA', signal)),
    );
    const confirmed = names.find((_, place) => leadsTo(forward[place]!, ip.text));
    if (confirmed !== undefined) return { result: 'pass', name: confirmed };
    const undecided = forward.some((answer) => answer.kind === 'failed');
    return { result: undecided ? 'temperror' : 'fail', name: names[0] ?? '' };
  },
});

const leadsTo = (answer: DnsAnswer, ip: string): boolean =>
  answer.kind === 'found' &&
  answer.records.some(
    (record) => (record.type === 'A' || record.type === 'AAAA') && parseIp(record.address)?.text === ip,
  );
