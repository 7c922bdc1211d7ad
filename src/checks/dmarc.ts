/** DMARC (RFC 9989): whether the domain the reader sees in From stands behind the message, and what it asks for when not. */
import { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import { parseAddressList } from '../mail/address-list.ts';
import { parseHeaderSection } from '../mail/header.ts';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import type { Facts } from '../policy/facts.ts';
import type { MessageView } from './define.ts';
import { defineCheck } from './define.ts';
import { type Assessment, assess, type Identities, strictest } from './dmarc-assess.ts';
import { groupOf, listOf, textOf } from './fact-reader.ts';
import { type MailauthResolver, mailauthResolver } from './mailauth-resolver.ts';

const POLICY = z.enum(['none', 'quarantine', 'reject']);
const WHY_MAX = 300;
const AUTHORS_MAX = 5; // domains of one From that are looked up; RFC 9989 §5.3.1 asks for none when there are several

export const dmarc = defineCheck({
  name: 'dmarc',
  about: 'whether the domain in From stands behind the message, and what it asks for when not (RFC 9989)',
  stage: 'data',
  scope: 'transaction',
  timeout: seconds(20),
  onError: 'skip',
  options: z.strictObject({}),
  facts: z.object({
    result: z.enum(['none', 'pass', 'fail', 'temperror', 'permerror']).meta({
      about: 'none: no policy published; permerror: From names no author, or has parts that cannot be read',
      example: 'pass',
    }),
    policy: POLICY.meta({
      about: 'the policy that applies to this From, one step milder under t=y',
      example: 'reject',
    }),
    disposition: POLICY.meta({ about: 'what the policy asks for this message: none unless it fails', example: 'none' }),
    domain: z.string().meta({ about: "where the policy is published, or ''", example: 'example.com' }),
    alignment: z
      .object({
        spf: z.boolean().meta({ about: 'SPF passed for a domain aligned with From', example: true }),
        dkim: z.boolean().meta({ about: 'a DKIM signature passed for a domain aligned with From', example: true }),
      })
      .meta({ about: 'with a policy or without', example: { spf: true, dkim: true } }),
    why: z
      .string()
      .meta({ about: 'what it rests on, for a person', example: 'SPF pass for list.example, not aligned' }),
  }),
  needs: ['spf', 'dkim'],
  bearsSilence: true, // what SPF or DKIM cannot say is open, as under a temperror of theirs
  evidence: 'TXT of _dmarc names up the tree',
  async run({ facts, helo, message, resolver, signal }) {
    const dns = mailauthResolver(resolver, signal);
    const { fields, domains, unread } = authorsOf(message);
    const [author] = domains;
    if (author === undefined) return { ...UNDECIDED, result: 'permerror' as const, why: 'From names no author' };
    // What we cannot read a mail program may show as the author.
    if (unread > 0)
      return { ...UNDECIDED, result: 'permerror' as const, why: `parts of From cannot be read: ${unread}` };
    if (fields > 1 || domains.length > 1) {
      const why = fields > 1 ? `${fields} From fields` : `From names several domains: ${domains.join(', ')}`;
      return { ...(await refuseSeveral(domains, dns)), why: clean(why, WHY_MAX) };
    }
    const proven = identitiesOf(facts, 'pass');
    const assessed = await assess(author, proven, dns);
    const { alignment, policy, domain } = assessed;
    const result = await certain(assessed, author, openOf(facts, author, helo.name), dns);
    const disposition = result === 'fail' ? policy : ('none' as const);
    return { result, policy, disposition, domain, alignment, why: clean(whyOf(assessed, facts, dns), WHY_MAX) };
  },
});

const UNDECIDED = { policy: 'none', disposition: 'none', domain: '', alignment: { spf: false, dkim: false } } as const;

/** Domains of From as it was sent, not as decoded: an encoded word is no address. */
function authorsOf(message: MessageView | undefined) {
  const section = message && parseHeaderSection(message.content.header);
  const fields = section?.fields.filter((field) => field.name.toLowerCase() === 'from') ?? [];
  const lists = fields.map((field) => parseAddressList(field.value));
  const domains = lists.flatMap(({ addresses }) => addresses.map(({ domain }) => domain));
  const unread = lists.reduce((sum, list) => sum + list.unread, 0);
  return { fields: fields.length, domains: [...new Set(domains)], unread };
}

/** Two authors are none that could be checked (RFC 9989 §5.3.1): a failure, under the strictest policy any of them has. */
async function refuseSeveral(domains: readonly string[], dns: MailauthResolver) {
  const nobody = { spf: [], dkim: [] };
  const all = await Promise.all(domains.slice(0, AUTHORS_MAX).map((domain) => assess(domain, nobody, dns)));
  const asked = strictest(all);
  // More authors than we look up: whoever hides one behind many gets the strictest there is.
  const { policy, domain } = domains.length > AUTHORS_MAX ? { ...asked, policy: 'reject' as const } : asked;
  const result = policy === 'none' && all.some((one) => one.result === 'temperror') ? 'temperror' : 'fail';
  const disposition = result === 'fail' ? policy : ('none' as const);
  return { ...UNDECIDED, result, policy, disposition, domain } as const;
}

/** Domains that SPF and DKIM gave a result: of `pass` they are proven, of `temperror` they might have been. */
function identitiesOf(facts: Facts, word: 'pass' | 'temperror') {
  const spf = groupOf(facts, 'spf');
  const signatures = listOf(groupOf(facts, 'dkim').signatures) as readonly { readonly [name: string]: string }[];
  return {
    spf: spf.result === word && spf.domain !== '' ? [textOf(spf.domain)] : [],
    dkim: signatures.filter(({ result }) => result === word).map((signature) => textOf(signature.domain)),
  };
}

/** What might have passed: identities with a temperror and, of a check that came to no end, whatever it could have proven. */
function openOf(facts: Facts, author: string, helo: string): Identities {
  const open = identitiesOf(facts, 'temperror');
  const sender = textOf(groupOf(facts, 'mail').domain) || (toAscii(helo) ?? '');
  return {
    spf: isSilent(facts, 'spf') && sender !== '' ? [sender] : open.spf,
    dkim: isSilent(facts, 'dkim') ? [author] : open.dkim,
  };
}

/** A check that failed or timed out leaves no facts. */
const isSilent = (facts: Facts, check: 'spf' | 'dkim'): boolean => groupOf(facts, check).result === undefined;

/**
 * A failure that an unanswered question of SPF or DKIM could have turned is no failure yet. Where the policy asks for
 * nothing, nothing hangs on it: such mail must not be put off because of it.
 */
async function certain(assessed: Assessment, author: string, open: Identities, dns: MailauthResolver) {
  if (assessed.result !== 'fail' || assessed.policy === 'none') return assessed.result;
  if (open.spf.length + open.dkim.length === 0) return assessed.result;
  const better = await assess(author, open, dns);
  return better.result === 'fail' ? 'fail' : 'temperror';
}

const SILENT = 'came to no end';

function whyOf({ result, alignment }: Assessment, facts: Facts, dns: MailauthResolver): string {
  if (result === 'temperror') return `no answer for ${[...dns.failed].join(', ')}`;
  const spf = groupOf(facts, 'spf');
  const dkim = groupOf(facts, 'dkim');
  const signers = listOf(dkim.domains).join(', ');
  const said = (word: string, aligned: boolean): string =>
    word === 'pass' ? (aligned ? ', aligned' : ', not aligned') : '';
  const of = (domain: string): string => (domain === '' ? '' : ` for ${domain}`);
  return [
    `SPF ${textOf(spf.result) || SILENT}${of(textOf(spf.domain))}${said(textOf(spf.result), alignment.spf)}`,
    `DKIM ${textOf(dkim.result) || SILENT}${of(signers)}${said(textOf(dkim.result), alignment.dkim)}`,
  ].join('; ');
}
