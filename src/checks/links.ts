/** Where the links of a message lead, and what lists of hosts in spam say of them. */
import { z } from 'zod';
import { questionName } from '../mail/dns-name.ts';
import { clean } from '../mail/reply.ts';
import { seconds, type Timestamp } from '../mail/time.ts';
import type { Inside } from '../mime/inside.ts';
import type { LinkHost } from '../mime/link-host.ts';
import { findLinks } from '../mime/links.ts';
import { isLookAlike } from '../mime/look-alike.ts';
import { listOf, template } from '../policy/options.ts';
import type { List } from '../policy/policy.ts';
import { defineCheck } from './define.ts';
import { codePattern, eachShownOnce, LIST_NAME, oneZone, zoneAsked, zoneOptions } from './list-options.ts';
import { askUriList, HOST_MAX, URI_REFUSALS, type UriList } from './uri-list.ts';

/** Each list costs a question for every domain. */
const LISTS_MAX = 8;
/** A host's name and its dot stand before it. */
const ZONE_MAX = 253 - HOST_MAX - 1;
/** What a record keeps of each kind; rules see no more. A newsletter has thirty hosts. */
const KEPT_MAX = 50;
/** With eight lists and their test points they are still fewer than the questions of a transaction (300). */
const LOOKUPS_MAX = 30;

const BITS = ['1', '2', '4', '8', '16', '32', '64', '128'];
const bit = z.string().refine((text) => BITS.includes(text), 'expected a bit of the last octet: 2, 4, 8, …, 128');
const weights = <K extends z.ZodType<string, string>>(key: K, example: string) =>
  z.record(key, z.number()).refine((all) => Object.keys(all).length > 0, `expected at least one, such as ${example}`);

const options = z.strictObject({
  ...zoneOptions({
    asks: 'names',
    max: ZONE_MAX,
    what: 'hosts are asked',
    zone: 'multi.surbl.org',
    shown: 'key.dbl.dq.spamhaus.net',
  }),
  codes: weights(codePattern, '{ "127.0.1.2": 5 }')
    .optional()
    .meta({
      about: 'what an answer weighs; several that fit add up, one pattern counts once',
      examples: [{ '127.0.1.2-99': 5 }],
    }),
  bits: weights(bit, '{ 8: 5 }')
    .optional()
    .meta({
      about:
        'in place of `codes`, where one answer says in its last octet all lists that a host is on: what each bit weighs',
      examples: [{ 8: 5, 16: 5, 64: 4 }],
    }),
  errors: z.array(codePattern).default([]).meta({
    about:
      'answers by which the list says that it will not serve us; 127.0.0.1 (SURBL, URIBL), 127.0.1.255 (DBL) and 127.255.255.0/24 always are such',
  }),
  ask: z
    .enum(['domain', 'host'])
    .default('domain')
    .meta({ about: 'domain: the one somebody registered, as SURBL and URIBL want it; host: the whole name' }),
  addresses: z.boolean().default(false).meta({
    about: 'true where the list holds addresses too (SURBL): asked reversed, IPv4 and IPv6. DBL must not be asked',
  }),
  lookup_url: template('name')
    .optional()
    .meta({
      about: 'where one reads more; {name} is what is listed',
      examples: ['https://check.spamhaus.org/results/?query={name}'],
    }),
  test_point: z.string().max(HOST_MAX).default('test').meta({
    about:
      "what the list always holds: RFC 5782 §5 says `test`, some say otherwise (`dbltest.com`, `127.0.0.2`); '' for one of your own without",
  }),
});

const list = options.superRefine(oneZone).superRefine(({ codes, bits }, context) => {
  if ((codes === undefined) === (bits === undefined))
    context.addIssue({
      code: 'custom',
      message: 'what its answers mean is said by `codes:` or by `bits:`: expected one of them',
    });
});

const lists = z
  .record(LIST_NAME, list)
  .refine((all) => Object.keys(all).length <= LISTS_MAX, `expected at most ${LISTS_MAX} lists`)
  .superRefine(eachShownOnce)
  .default({});

const names = (about: string, example: readonly string[]) => z.array(z.string()).meta({ about, example: [...example] });

export const links = defineCheck({
  name: 'links',
  about:
    'Hosts of links in text and HTML (entities, user names, numbers for addresses and names made harmless are read as a browser or a ' +
    'person reads them), asked of lists of such hosts (RFC 5782 §3): SURBL, URIBL, DBL. Codes that nobody described and ' +
    '127.255.255.0/24 are errors, not listings. A list that holds `invalid` or does not hold its test point is out of use until it ' +
    'mends: it counts nothing and stands under `failed`.',
  stage: 'content',
  scope: 'transaction',
  // A little more than the resolver's own time, so that a silent list is one that failed, and the others count.
  timeout: seconds(10),
  onError: 'skip',
  needs: [],
  looksInside: true,
  evidence: "Each list's questions with their answers, and why a list counted nothing.",
  options: z.strictObject({
    lists,
    max_lookups: z.int().min(1).max(LOOKUPS_MAX).default(20).meta({
      about: 'names that each list is asked about, one of every domain first; `truncated` says that there were more',
    }),
    except: listOf('domain')
      .optional()
      .meta({
        about: 'domains that are not asked about, and take no room among those that are',
        examples: ['lists.own_domains'],
      }),
  }),
  facts: z.object({
    count: z.number().meta({ about: 'different hosts', example: 3 }),
    hosts: names(`of links, as A-labels or addresses, at most ${KEPT_MAX}`, ['www.example.com']),
    domains: names(`that somebody registered, of these hosts, at most ${KEPT_MAX}`, ['example.com']),
    score: z.number().meta({ about: 'sum over the lists of what the heaviest name on each weighs', example: 5 }),
    listed_by: names('lists that weigh above 0, in the order written', ['dbl']),
    listed: names('names on lists that weigh above 0', ['example.com']),
    answers: z.array(z.object({ list: z.string(), name: z.string(), code: z.string() })).meta({
      about: 'every described code with its list',
      example: [{ list: 'dbl', name: 'example.com', code: '127.0.1.2' }],
    }),
    failed: names('lists without a usable answer to some question', ['dbl']),
    lookup_url: z
      .string()
      .meta({ about: "of the first in listed_by that has one, or ''", example: 'https://check.example/example.com' }),
    look_alike: names('hosts with a name that mixes scripts, or whose letters only look Latin', ['xn--80ak6aa92e.com']),
    text_differs: names('hosts of links whose text shows the host of somebody else', ['evil.example']),
    scripts: z
      .number()
      .meta({ about: 'links that are no address and run or hold something: `javascript:`, `data:`', example: 0 }),
    truncated: z
      .boolean()
      .meta({ about: 'there was more text, or more hosts, than was read or asked about', example: false }),
  }),
  async run({ message, options, resolver, now, evidence, signal }) {
    if (message?.inside === undefined) throw new Error('the inside of the message could not be read');
    const found = findLinks(message.inside.texts);
    const asked = found.hosts.filter((host) => !isExcepted(host, options.except, now));
    const all = Object.entries(options.lists);
    const said = await Promise.all(
      all.map(([, each]) => askUriList(normalized(each), asked, options.max_lookups, resolver, signal)),
    );
    const listed = new Set<string>();
    const result = {
      score: 0,
      listed_by: [] as string[],
      answers: [] as Answer[],
      failed: [] as string[],
      lookup_url: '',
    };
    for (const [place, [name, each]] of all.entries()) {
      const says = said[place]!;
      if (says.trouble !== '') {
        evidence(name, clean(says.trouble, 200));
        result.failed.push(name);
      }
      const weighing = says.listed.filter(({ weight }) => weight > 0);
      result.score += weightOf(says.listed);
      for (const one of says.listed)
        result.answers.push(...one.codes.map((code) => ({ list: name, name: one.name, code })));
      for (const one of weighing) listed.add(one.name);
      if (weighing.length === 0) continue;
      result.listed_by.push(name);
      result.lookup_url ||= (each.lookup_url ?? '').replaceAll('{name}', weighing[0]!.name);
    }
    // In the order in which they are declared: by that their names need not be stored.
    return {
      count: found.hosts.length,
      hosts: kept(found.hosts.map(({ name }) => name)),
      domains: kept(found.hosts.map(({ domain }) => domain).filter((domain) => domain !== '')),
      // Weights such as 0.1 add up to 0.30000000000000004.
      score: Math.round(result.score * 1e6) / 1e6,
      listed_by: result.listed_by,
      listed: kept(listed),
      answers: result.answers.slice(0, KEPT_MAX),
      failed: result.failed,
      lookup_url: result.lookup_url,
      look_alike: kept(found.hosts.map(({ name }) => name).filter(isLookAlike)),
      text_differs: kept(found.differing),
      scripts: found.scripts,
      truncated: found.partial || isCut(message.inside) || said.some(({ more }) => more),
    };
  },
});

interface Answer {
  readonly [name: string]: string;
  readonly list: string;
  readonly name: string;
  readonly code: string;
}

const kept = (all: Iterable<string>): string[] => [...new Set(all)].slice(0, KEPT_MAX);

/** Ten links to one spammer are no worse than one; and of a welcome-list the least credit counts, since links to good hosts cost nothing. */
const weightOf = (listed: readonly { readonly weight: number }[]): number => {
  const weights = listed.map(({ weight }) => weight);
  return weights.length === 0 ? 0 : Math.max(...weights);
};

function isExcepted({ name, domain }: LinkHost, except: List | undefined, now: Timestamp): boolean {
  return except !== undefined && (except.has(name, now) || (domain !== '' && except.has(domain, now)));
}

/** Part of the text was not kept, or part of the message not read. */
const isCut = ({ result, textsCut }: Inside): boolean => result !== 'ok' || textsCut;

const normalized = ({ zone, shown_as, codes, errors, test_point, ...list }: z.output<typeof options>): UriList => ({
  ...list,
  codes: codes ?? {},
  errors: [...errors, ...URI_REFUSALS],
  test_point: test_point === '' ? '' : (questionName(test_point) ?? 'test'),
  zone: zoneAsked({ zone, shown_as }),
});
