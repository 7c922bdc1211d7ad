/** Links in the text, and what lists of bad domains say about where they lead (RFC 5782 §2 for names). */
import { z } from 'zod';
import { questionName } from '../mail/dns-name.ts';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import { type Link, linksIn } from '../mime/links.ts';
import { listOf } from '../policy/options.ts';
import { defineCheck } from './define.ts';
import { normalized, uriLists } from './dnsbl-options.ts';
import { askUriList, type UriListSays } from './uri-list.ts';

const HOSTS_MAX = 50;
const NAME_MAX = 253;
/** Domains asked about, each of every list. */
const LOOKUPS = 20;

export const links = defineCheck({
  name: 'links',
  about:
    'Host names of links in text and HTML, also written apart (hxxp, [.]) or in look-alike letters, and what lists of domains ' +
    '(SURBL, URIBL, DBL) say about them. A list that lists INVALID is out of use (RFC 5782 §5).',
  stage: 'content',
  scope: 'transaction',
  timeout: seconds(8),
  onError: 'skip',
  needs: [],
  looksInside: true,
  evidence: "Each list's questions with their answers, and why a list counted nothing.",
  options: z.strictObject({
    lists: uriLists.default({}).meta({ about: 'lists of domains, each with its codes as in dnsbl' }),
    max_lookups: z
      .int()
      .min(1)
      .max(100)
      .default(LOOKUPS)
      .meta({ about: 'domains asked about, the first in the message; links to more are `truncated`' }),
    except: listOf('domain')
      .optional()
      .meta({ about: 'domains nobody is asked about', examples: ['lists.partners'] }),
  }),
  facts: z.object({
    hosts: z.array(z.string()).meta({ about: `host names, at most ${HOSTS_MAX}`, example: ['www.example.com'] }),
    domains: z.array(z.string()).meta({ about: 'the domains registered for them', example: ['example.com'] }),
    count: z.number().meta({ about: 'different hosts', example: 2 }),
    score: z.number().meta({ about: 'the weight of the worst of them', example: 4 }),
    listed: z.array(z.string()).meta({ about: 'domains that a list weighs above 0', example: ['bad.example'] }),
    listed_by: z.array(z.string()).meta({ about: 'the lists that do', example: ['surbl'] }),
    failed: z.array(z.string()).meta({ about: 'lists without a usable answer', example: ['surbl'] }),
    look_alike: z
      .array(z.string())
      .meta({ about: 'hosts in letters of several scripts, or drawn like Latin ones', example: [] }),
    text_differs: z.array(z.string()).meta({ about: 'hosts of links whose text shows another domain', example: [] }),
    truncated: z.boolean().meta({ about: 'there were more links than were looked at', example: false }),
  }),
  async run({ message, options, now, resolver, evidence, signal }) {
    if (message?.inside === undefined) throw new Error('the inside of the message could not be read');
    const found = linksIn(message.inside.texts);
    const asked = askable(found.links).filter((name) => options.except?.has(name, now) !== true);
    const names = asked.slice(0, options.max_lookups);
    const result = { score: 0, listed: new Set<string>(), listedBy: [] as string[], failed: [] as string[] };
    const weights = new Map<string, number>();
    await Promise.all(
      Object.entries(options.lists).map(async ([list, written]) => {
        if (names.length === 0) return;
        const says = await askUriList(normalized(written), names, resolver, signal);
        take(list, says);
      }),
    );
    function take(list: string, says: UriListSays): void {
      if (says.kind === 'failed') {
        evidence(list, says.why);
        result.failed.push(list);
        return;
      }
      for (const { name, weight } of says.listings) {
        weights.set(name, (weights.get(name) ?? 0) + weight);
        if (weight <= 0) continue;
        result.listed.add(name);
        if (!result.listedBy.includes(list)) result.listedBy.push(list);
      }
    }
    const order = Object.keys(options.lists);
    return {
      hosts: found.links.slice(0, HOSTS_MAX).map(({ host }) => clean(host, NAME_MAX)),
      domains: [...new Set(found.links.map(({ domain }) => domain))].filter((one) => one !== '').slice(0, HOSTS_MAX),
      count: found.links.length,
      score: Math.round(Math.max(0, ...weights.values()) * 1e6) / 1e6,
      // In an order that no answer's time decides.
      listed: names.filter((name) => result.listed.has(name)),
      listed_by: order.filter((list) => result.listedBy.includes(list)),
      failed: order.filter((list) => result.failed.includes(list)),
      look_alike: found.lookAlike.slice(0, HOSTS_MAX),
      text_differs: found.textDiffers.slice(0, HOSTS_MAX),
      truncated: found.truncated || asked.length > names.length || found.links.length > HOSTS_MAX,
    };
  },
});

/** Registered domains; addresses are asked as nothing: lists of domains hold none. */
const askable = (found: readonly Link[]): readonly string[] => [
  ...new Set(found.map(({ domain }) => domain).filter((name) => questionName(name) !== undefined && name !== '')),
];
