/** The parts of a record that say the same in every one, as lists and back (`record-brief.ts`). Every table here is the form's: rows were written with it. */

import type { DnsEvidence } from '../../record/record.ts';
import { isEmpty, isOf, type Named, named, place, STAGES, shaped, unshaped } from './brief-lists.ts';

export function shortFacts(facts: Named): Named {
  // Of nobody's making, like every place where names from outside are keys.
  const short = Object.create(null) as { [root: string]: unknown };
  for (const root in facts) {
    const value = facts[root];
    const groups = FACTS.get(root);
    // A list of one stands for itself: no group of facts has only one.
    short[root] = groups === undefined ? value : Array.isArray(value) ? [value] : (shortGroup(value, groups) ?? value);
  }
  return short;
}

export function longFacts(facts: Named): Named {
  return Object.fromEntries(
    Object.entries(facts).map(([root, value]) => {
      const groups = FACTS.get(root);
      if (groups === undefined || !Array.isArray(value)) return [root, value];
      const names = groups.find(({ length }) => length === value.length);
      return [root, names === undefined ? (value[0] as unknown) : unshaped(value, names)];
    }),
  );
}

type Groups = readonly (readonly string[])[];

function shortGroup(value: unknown, groups: Groups): readonly unknown[] | undefined {
  for (const names of groups) {
    const values = shaped(value, names);
    if (values !== undefined) return values;
  }
  return undefined;
}

const LINKS_NOW =
  'count hosts domains score listed_by listed answers failed lookup_url look_alike text_differs scripts truncated status';
const LINKS = 'hosts domains count score listed listed_by failed look_alike text_differs truncated status';

/**
 * Of the edge and of the shipped policies' checks. Rows were written with these: never change one, number another form. A root may be
 * added, and to a root a group with another number of names: by that they are told apart.
 */
const FACTS: ReadonlyMap<string, Groups> = new Map(
  Object.entries({
    client: ['ip port network private user trusted name'],
    dnsbl: ['score listed_by answers failed lookup_url status'],
    rdns: ['result name status'],
    helo: ['name verb literal resolves matches status'],
    tls: ['active version cipher client_verified client_name'],
    mail: ['address local domain null size utf8'],
    from: ['address domain display count verified'],
    message: ['size id subject date hops'],
    rate_client: ['count exceeded status'],
    sender_domain: ['result status'],
    spf: ['result domain status'],
    arc: ['result trusted sealer status'],
    dkim: ['result signatures domains status'],
    dmarc: ['result policy disposition domain alignment why status'],
    recipient: [
      'address local domain tag hosted result source answer route',
      'address local domain tag hosted result source route',
    ],
    settings: [
      'spam_hold spam_refuse pass_macros pass_encrypted greylist dmarc_strict',
      'spam_hold greylist dmarc_strict',
    ],
    greylist: ['result wait key status'],
    structure: ['result count depth attachments anomalies status'],
    links: [LINKS_NOW, LINKS],
    clamav: ['result signature version part status'],
    spamassassin: ['result score required symbols status'],
    rspamd: ['result score required action symbols status'],
  }).map(([root, groups]) => [root, groups.map((names) => names.split(' '))]),
);

const GUARDED = { status: 'skipped', why: 'guard' };
/** How much is said of such a one. */
const UNASKED = 3;
const CHECK = ['name', 'check', 'stage', 'status', 'why', 'inputs', 'took', 'evidence', 'dns'];

export function shortCheck(run: object): unknown {
  const values = shaped(run, CHECK);
  if (values === undefined) return run;
  const [name, check, stage, status, why, inputs, took, evidence, dns] = values;
  const own = check === name ? 0 : check;
  // Its guard did not hold: nothing was done and nothing seen. Of the shipped policy's checks, those that are not configured.
  if (status === GUARDED.status && why === GUARDED.why && took === 0 && [inputs, evidence, dns].every(isEmpty))
    return [name, own, place(STAGES, stage)];
  const rest = isEmpty(inputs) && isEmpty(evidence) ? [] : [inputs, evidence];
  return [name, own, place(STAGES, stage), status === 'completed' ? 0 : status, why, took, dns, ...rest];
}

export function longCheck(short: unknown): unknown {
  if (!Array.isArray(short)) return short;
  const unasked = short.length === UNASKED ? [GUARDED.status, GUARDED.why, 0, []] : [];
  const [name, check, stage, status, why, took, dns, inputs = {}, evidence = {}] = [
    ...short,
    ...unasked,
  ] as readonly unknown[];
  const values = [name, check === 0 ? name : check, named(STAGES, stage), status === 0 ? 'completed' : status, why];
  return unshaped([...values, inputs, took, evidence, dns], CHECK);
}

const DECISION = ['stage', 'rules', 'outages'];
const RULE = ['rule', 'truth', 'came'];
const ALLOWED = [...RULE, 'allowedBy'];
/** What comes of a rule, each with a letter; a large one where an `allow` is named. */
const TRACES = [
  ['no', 'quiet'],
  ['yes', 'held'],
  ['unknown', 'quiet'],
  ['yes', 'would'],
  ['no', 'passedOver'],
  ['yes', 'softened'],
] as const;
const LETTERS = 'abcdef';
const ALLOWED_LETTERS = 'ABCDEF';

/** Rules are asked in their order: the first one's number, a letter for what came of each, and who allowed it to be passed over. */
export function shortDecision(decision: object): unknown {
  const [stage, rules, outages] = shaped(decision, DECISION) ?? [];
  if (!Array.isArray(rules) || rules.length === 0) return decision;
  const first = (rules[0] as { readonly rule: number }).rule;
  const allowed: unknown[] = [];
  let letters = '';
  for (const rule of rules as readonly Named[]) {
    const by = rule.allowedBy;
    const known = isOf(rule, by === undefined ? RULE : ALLOWED) && rule.rule === first + letters.length;
    const letter = TRACES.findIndex(([truth, came]) => rule.truth === truth && rule.came === came);
    if (!known || letter < 0) return decision;
    letters += (by === undefined ? LETTERS : ALLOWED_LETTERS)[letter]!;
    if (by !== undefined) allowed.push(by);
  }
  return [place(STAGES, stage), first, letters, outages, ...allowed];
}

export function longDecision(short: unknown): unknown {
  if (!Array.isArray(short)) return short;
  const [stage, first, letters, outages, ...allowed] = short as [unknown, number, string, unknown, ...unknown[]];
  const rules = Array.from(letters, (letter, n) => {
    const at = LETTERS.indexOf(letter);
    const [truth, came] = TRACES[at < 0 ? ALLOWED_LETTERS.indexOf(letter) : at]!;
    return { rule: first + n, truth, came, ...(at < 0 ? { allowedBy: allowed.shift() } : {}) };
  });
  return { stage: named(STAGES, stage), rules, outages };
}

const ANSWER = ['name', 'type', 'rcode', 'kind', 'answer', 'ttl', 'cached', 'secure', 'server'];
/** RCODE, kind, and what stands in place of an answer. */
const SAID = [
  ['NOERROR', 'found', ''],
  ['NXDOMAIN', 'empty', 'noSuchName'],
  ['NOERROR', 'empty', 'noData'],
] as const;
const CACHED = 4;
const SECURE = 8;

/** `server` told most of them. */
export function shortAnswer(evidence: DnsEvidence, server: string): unknown {
  const { name, type, rcode, kind, answer, ttl, cached, secure } = evidence;
  const said = SAID.findIndex(([code, word, only]) => {
    return code === rcode && word === kind && (only === '' || (answer.length === 1 && answer[0] === only));
  });
  if (said < 0 || evidence.server !== server || !isOf(evidence, ANSWER)) return evidence;
  const flags = said + (cached ? CACHED : 0) + (secure ? SECURE : 0);
  return said === 0 ? [name, type, flags, ttl, ...answer] : [name, type, flags, ttl];
}

export function longAnswer(short: unknown, server: string): unknown {
  if (!Array.isArray(short)) return short;
  const [name, type, flags, ttl, ...found] = short as [string, string, number, number, ...string[]];
  const [rcode, kind, only] = SAID[flags % CACHED]!;
  const answer = only === '' ? found : [only];
  return { name, type, rcode, kind, answer, ttl, cached: (flags & CACHED) > 0, secure: (flags & SECURE) > 0, server };
}
