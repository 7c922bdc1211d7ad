/** What the client called itself at HELO or EHLO, and whether DNS agrees (RFC 5321 §4.1.1.1, §4.1.4). */
import { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import { parseIp } from '../mail/ip.ts';
import { seconds } from '../mail/time.ts';
import type { DnsAnswer } from '../ports/resolver.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

export const helo = defineCheck({
  name: 'helo',
  about:
    'The name given at HELO or EHLO, and whether it has an address and the client has that address. RFC 5321 §4.1.4 ' +
    'forbids to refuse mail for a mismatch alone: use it as one sign among others.',
  stage: 'helo',
  scope: 'session',
  timeout: seconds(6),
  onError: 'skip',
  needs: [],
  evidence: 'The A and AAAA records of the name; none for a literal or a name without a dot.',
  options: z.strictObject({}),
  facts: z.object({
    name: z.string().meta({ about: 'as the client said it', example: 'mail.example.com' }),
    verb: z.enum(['', 'HELO', 'EHLO']).meta({ about: 'which command it used', example: 'EHLO', absent: '' }),
    literal: z.boolean().meta({ about: 'the name is an address literal', example: false }),
    resolves: z.boolean().meta({ about: 'the name has an address; a literal is one', example: true }),
    matches: z.boolean().meta({ about: "the client's address is among them", example: true }),
  }),
  async run({ facts, helo, resolver, signal }) {
    const said = { name: helo.name, verb: helo.verb };
    const client = parseIp(textOf(groupOf(facts, 'client').ip));
    const literal = readLiteral(helo.name);
    if (literal !== undefined) {
      const ip = parseIp(literal);
      const matches = ip !== undefined && ip.text === client?.text;
      return { ...said, literal: true, resolves: ip !== undefined, matches };
    }
    const name = toAscii(helo.name);
    // A domain name in SMTP is fully qualified (RFC 5321 §2.3.5): `localhost` is nobody's name.
    if (name === undefined || !name.includes('.')) return { ...said, literal: false, resolves: false, matches: false };
    const [v4, v6] = await Promise.all([resolver.resolve(name, 'A', signal), resolver.resolve(name, 'AAAA', signal)]);
    const own = client?.family === 6 ? v6 : v4;
    const resolves = v4.kind === 'found' || v6.kind === 'found';
    // Whether it matches rests on the client's own family, whether it resolves on either.
    if (own.kind === 'failed' || (!resolves && (v4.kind === 'failed' || v6.kind === 'failed')))
      throw new Error(`DNS does not answer for ${name}`);
    const matches = addresses(own).some((address) => parseIp(address)?.text === client?.text);
    return { ...said, literal: false, resolves, matches };
  },
});

/** What stands in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); undefined without brackets. */
function readLiteral(name: string): string | undefined {
  const inner = /^\[(.*)\]$/.exec(name)?.[1];
  return inner === undefined ? undefined : inner.replace(/^IPv6:/i, '');
}

const addresses = (answer: DnsAnswer): readonly string[] =>
  answer.kind === 'found'
    ? answer.records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))
    : [];
