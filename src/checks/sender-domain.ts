/** Whether the domain of the reverse-path can take mail back (RFC 5321 §5.1, RFC 7505). */
import { z } from 'zod';
import { seconds } from '../mail/time.ts';
import { defineCheck } from './define.ts';
import { groupOf, textOf } from './fact-reader.ts';

const RESULT = z.enum(['ok', 'null-mx', 'no-mx', 'temperror']);

export const senderDomain = defineCheck({
  name: 'sender_domain',
  about: 'Whether mail to the domain of the reverse-path could go anywhere: it has MX records, or else an address.',
  stage: 'mail',
  scope: 'transaction',
  // MX first, then addresses, each within the resolver's own time.
  timeout: seconds(12),
  onError: 'skip',
  needs: [],
  evidence: 'The MX records of the domain; where there are none, its A and AAAA records.',
  options: z.strictObject({}),
  facts: z.object({
    result: RESULT.meta({
      about:
        'ok: mail can go there, or there is none to send back (the null reverse-path); null-mx: the domain says that it takes none (RFC 7505); no-mx: neither MX nor address; ' +
        'temperror: DNS does not answer',
      example: 'ok',
    }),
  }),
  async run({ facts, resolver, signal }): Promise<{ result: z.output<typeof RESULT> }> {
    const domain = textOf(groupOf(facts, 'mail').domain);
    // Nothing goes back to the null reverse-path, and an address literal needs no DNS.
    if (domain === '' || domain.startsWith('[')) return { result: 'ok' };
    const mx = await resolver.resolve(domain, 'MX', signal);
    if (mx.kind === 'failed') return { result: 'temperror' };
    if (mx.kind === 'found') {
      // The null MX stands alone (RFC 7505 §3); beside others it says nothing.
      const hosts = mx.records.filter((record) => record.type === 'MX' && record.exchange !== '');
      return { result: hosts.length > 0 ? 'ok' : 'null-mx' };
    }
    if (mx.why === 'noSuchName') return { result: 'no-mx' };
    // RFC 5321 §5.1: without MX, the address of the domain itself counts as one.
    const [v4, v6] = await Promise.all([
      resolver.resolve(domain, 'A', signal),
      resolver.resolve(domain, 'AAAA', signal),
    ]);
    if (v4.kind === 'found' || v6.kind === 'found') return { result: 'ok' };
    return { result: v4.kind === 'failed' || v6.kind === 'failed' ? 'temperror' : 'no-mx' };
  },
});
