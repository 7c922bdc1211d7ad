/** One list asked about the hosts of a message's links: is the list in good health, and which of them does it hold (RFC 5782 §3)? */
import { parseIp, reversedLabels } from '../mail/ip.ts';
import type { LinkHost } from '../mime/link-host.ts';
import type { DnsAnswer, Resolver } from '../ports/resolver.ts';
import { type ListCodes, meaningOf } from './dnsbl-codes.ts';
import { readAnswer, sayFailure } from './dnsbl-list.ts';

export interface UriList extends ListCodes {
  readonly zone: string;
  /** What is asked of a host with a name: the domain somebody registered, or the whole name. */
  readonly ask: 'domain' | 'host';
  /** Hosts that are addresses are asked about, reversed. */
  readonly addresses: boolean;
  /** The name, or address, that it always holds; '' for a list without test points. */
  readonly test_point: string;
}

export interface Listed {
  /** As it was asked: a domain, a host, or an address as one writes it. */
  readonly name: string;
  readonly codes: readonly string[];
  readonly weight: number;
}

export interface UriListSays {
  readonly listed: readonly Listed[];
  /** Why it cannot be believed, or what of it could not be read; '' where nothing is wrong. */
  readonly trouble: string;
  /** Hosts beyond the cap were not asked about. */
  readonly more: boolean;
}

/** By which such lists say that they do not serve us: URIBL and SURBL; DBL, asked about an address. No list means a listing by them. */
export const URI_REFUSALS = ['127.0.0.1', '127.0.1.255'];

/** RFC 5782 §5: no list of names may hold `invalid`. */
const NEVER_LISTED = 'invalid';
/** With a zone of 125 octets it still makes a name of DNS (253). The domain somebody registered always fits. */
export const HOST_MAX = 127;

export async function askUriList(
  list: UriList,
  hosts: readonly LinkHost[],
  most: number,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<UriListSays> {
  const all = namesFor(list, hosts);
  const names = all.slice(0, most);
  const more = all.length > most;
  if (names.length === 0) return { listed: [], trouble: '', more };
  const ask = (name: string) => resolver.resolve(`${questionOf(name)}.${list.zone}`, 'A', signal);
  const tested = list.test_point !== '';
  const [mustNot, must, ...answers] = await Promise.all([
    tested ? ask(NEVER_LISTED) : undefined,
    tested ? ask(list.test_point) : undefined,
    ...names.map(ask),
  ]);
  const ill = mustNot && must && illness(mustNot, must, list);
  if (ill !== undefined) return { listed: [], trouble: ill, more };
  const listed: Listed[] = [];
  let trouble = '';
  for (const [place, answer] of answers.entries()) {
    const says = readAnswer(answer!, list);
    if (says.kind === 'listed') listed.push({ name: names[place]!, codes: says.codes, weight: says.weight });
    // It names no host: what a stranger's name does to a list must not look like what the list does by itself.
    else if (says.kind === 'failed') trouble ||= says.why;
  }
  return { listed, trouble, more };
}

function illness(mustNot: DnsAnswer, must: DnsAnswer, list: UriList): string | undefined {
  if (mustNot.kind === 'failed') return sayFailure(mustNot);
  if (must.kind === 'failed') return sayFailure(must);
  const refusal = [...codesIn(must), ...codesIn(mustNot)].find((code) => isRefusal(code, list));
  if (refusal !== undefined) return `it answers ${refusal}: it does not serve us`;
  if (mustNot.kind === 'found') return `out of use: it lists ${NEVER_LISTED}`;
  // Any code will do: what the list says of its test point need not be what the operator weighs.
  return must.kind === 'found' ? undefined : `out of use: it does not list ${list.test_point}`;
}

const codesIn = (answer: DnsAnswer): string[] =>
  answer.kind === 'found' ? answer.records.flatMap((record) => (record.type === 'A' ? [record.address] : [])) : [];

function isRefusal(code: string, list: UriList): boolean {
  const meaning = meaningOf(code, list);
  return meaning.kind === 'error' && meaning.why === 'refused';
}

/** Each once; one of every domain before further hosts of any, so that many of one domain leave room for the others. */
function namesFor({ ask, addresses }: UriList, hosts: readonly LinkHost[]): string[] {
  const first: string[] = [];
  const further: string[] = [];
  const domains = new Set<string>();
  for (const { name, domain, ip } of hosts) {
    if (ip !== undefined) {
      if (addresses) first.push(name);
    } else if (domain !== '') {
      const asked = ask === 'domain' ? domain : fitting(name, domain);
      (domains.has(domain) ? further : first).push(asked);
      domains.add(domain);
    }
  }
  return [...new Set([...first, ...further])].filter((name) => name.length <= HOST_MAX);
}

/** As many of its last labels as may be asked. */
function fitting(name: string, domain: string): string {
  if (name.length <= HOST_MAX) return name;
  const dot = name.indexOf('.', name.length - HOST_MAX - 1);
  return dot < 0 || name.length - dot - 1 < domain.length ? domain : name.slice(dot + 1);
}

function questionOf(name: string): string {
  const ip = parseIp(name);
  return ip === undefined ? name : reversedLabels(ip);
}
