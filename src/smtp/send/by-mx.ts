/** Where mail for a domain goes by DNS: candidates in the order they are to be asked, or why there are none (RFC 5321 §5.1). */
import { parseIp } from '../../mail/ip.ts';
import type { Reply } from '../../mail/reply.ts';
import type { DnsAnswer, Resolver } from '../../ports/resolver.ts';
import type { SourceAddresses } from '../../queue/route.ts';
import type { Candidate, Found } from './candidate.ts';
import { type Exchange, exchangesOf, shuffled, type Trouble, troubleOf } from './exchanges.ts';

/** Hosts looked up for one attempt; who names more spreads load, and another attempt finds others of them. */
const HOSTS_MAX = 16;
/** Addresses of one host: at least two must be tried (RFC 5321 §5.1); a host that is down is down at all of them. */
const HOST_ADDRESSES_MAX = 4;
const SMTP_PORT = 25;
/** Addresses dialled for one attempt: with half a minute each it ends before the next one is due. */
const ADDRESSES_MAX = 10;

export interface Search {
  readonly domain: string;
  readonly port: number;
  readonly source: SourceAddresses | undefined;
  /** The host whose line broke after the final dot, or '': while DNS names it, it alone is asked. */
  readonly onlyAt: string;
}

export interface SearchWorld {
  readonly resolver: Resolver;
  readonly random: () => number;
  /** Our own name. */
  readonly hostname: string;
  /** Whether a connection to it would come back to us. */
  readonly isOwn: (ip: string, port: number) => boolean;
}

export async function* byMx(search: Search, world: SearchWorld, signal: AbortSignal): AsyncGenerator<Found> {
  const { domain } = search;
  if (domain.startsWith('[')) {
    yield literal(search, world);
    return;
  }
  const named = await exchangesOf(domain, world.resolver, world.random, signal);
  if (named.kind !== 'exchanges') {
    yield named;
    return;
  }
  const { implicit, secure } = named;
  const left = { hosts: HOSTS_MAX, addresses: ADDRESSES_MAX };
  const own = await ownAddresses(search, world, signal);
  const only = named.groups.flat().find(({ name }) => search.onlyAt.startsWith(`${name}[`));
  let some = false;
  let trouble = false;
  for (const group of only === undefined ? named.groups : [[only]]) {
    const hosts = await Promise.all(
      group.slice(0, left.hosts).map((exchange) => addressesOf(exchange, search, world, signal)),
    );
    const us = (host: Host): boolean => host.addresses.some(({ ip }) => own(ip));
    // What is equal to us or worse leads back to us (§5.1): "MUST discard" them.
    if (group.some(({ name }) => name === world.hostname) || hosts.some(us)) {
      if (!some && !trouble) yield { kind: 'refused', reply: loops(domain) };
      return;
    }
    for (const host of hosts) {
      for (const one of host.troubles) {
        trouble = true;
        yield one;
      }
      for (const { ip, secure: addressSecure } of chosen(host, search)) {
        if (left.addresses-- === 0) {
          yield tooMany(domain);
          return;
        }
        some = true;
        const found = { by: 'mx', domain, mxSecure: secure, addressSecure } as const;
        yield { kind: 'candidate', candidate: candidateOf(host.name, ip, search.port, found) };
      }
    }
    left.hosts -= hosts.length;
    if (hosts.length < group.length) {
      yield tooMany(domain);
      return;
    }
  }
  if (some || trouble) return;
  if (familiesOf(search).length < FAMILIES.length)
    yield { kind: 'trouble', why: `${domain} has no address of the family that is spoken from`, enhanced: '4.4.4' };
  else yield { kind: 'refused', reply: implicit ? noAddress(domain) : unusable(domain) };
}

const FAMILIES = ['A', 'AAAA'] as const;
const familiesOf = ({ source }: Search) =>
  FAMILIES.filter((type) => source === undefined || (type === 'A' ? source.v4 : source.v6) !== undefined);

interface Host {
  readonly name: string;
  readonly addresses: readonly { readonly ip: string; readonly secure: boolean }[];
  readonly troubles: readonly Trouble[];
}

async function addressesOf(
  { name }: Exchange,
  search: Search,
  { resolver, random }: SearchWorld,
  signal: AbortSignal,
): Promise<Host> {
  // An alias is followed though an MX must not name one (RFC 2181 §10.3): many do, and their mail arrives elsewhere.
  const answers = await Promise.all(familiesOf(search).map((type) => resolver.resolve(name, type, signal)));
  const [first = [], second = []] = answers.map((answer) => shuffled(addressesIn(answer), random));
  const addresses = Array.from({ length: Math.max(first.length, second.length) }, (_, n) => [first[n], second[n]]);
  return {
    name,
    // By turns, so that a family that leads nowhere from here does not use up the tries. IPv4 first: addresses of IPv6
    // without a reverse name, as many machines have, are refused for good by large receivers.
    addresses: addresses.flat().filter((address) => address !== undefined),
    troubles: answers.flatMap((answer) => (answer.kind === 'failed' ? [troubleOf(answer)] : [])),
  };
}

const addressesIn = (answer: DnsAnswer): { readonly ip: string; readonly secure: boolean }[] =>
  answer.kind === 'found'
    ? answer.records.flatMap((record) =>
        record.type === 'A' || record.type === 'AAAA' ? [{ ip: record.address, secure: answer.secure }] : [],
      )
    : [];

/** Where the line broke the message may lie at that address; another of the same host is asked when DNS knows it no more. */
function chosen({ name, addresses }: Host, { onlyAt, port }: Search): Host['addresses'] {
  const only = addresses.filter(({ ip }) => sayExchange(name, ip, port) === onlyAt);
  return only.length > 0 ? only : addresses.slice(0, HOST_ADDRESSES_MAX);
}

/** `[192.0.2.1]` as a domain names its host itself (RFC 5321 §5.1, §4.1.3). */
function literal({ domain, port }: Search, { isOwn }: SearchWorld): Found {
  const ip = parseIp(domain.slice(1, -1).replace(/^IPv6:/i, ''))?.text;
  if (ip === undefined) return { kind: 'refused', reply: noAddress(domain) };
  if (isOwn(ip, port)) return { kind: 'refused', reply: loops(domain) };
  const found = { by: 'mx', domain, mxSecure: false, addressSecure: false } as const;
  return { kind: 'candidate', candidate: candidateOf('', ip, port, found) };
}

/**
 * Ours is what one of our listeners is reached by, and what our own name has in DNS: behind a NAT no interface knows it.
 * At another port than that of mail somebody else may answer there.
 */
async function ownAddresses(
  { port }: Search,
  { resolver, hostname, isOwn }: SearchWorld,
  signal: AbortSignal,
): Promise<(ip: string) => boolean> {
  const types = port === SMTP_PORT ? FAMILIES : [];
  const answers = await Promise.all(types.map((type) => resolver.resolve(hostname, type, signal)));
  const own = new Set(answers.flatMap(addressesIn).map(({ ip }) => ip));
  return (ip) => own.has(ip) || isOwn(ip, port);
}

function candidateOf(name: string, ip: string, port: number, found: Candidate['found']): Candidate {
  return { host: sayExchange(name, ip, port), address: { kind: 'tcp', host: ip, port }, name, found };
}

const tooMany = (domain: string): Found => ({
  kind: 'trouble',
  why: `${domain} has more hosts than are asked in one attempt`,
  enhanced: '4.4.4',
});

const sayExchange = (name: string, ip: string, port: number): string => `${name}[${ip}]:${port}`;

/** RFC 3463 §3.5: X.4.6, routing loop detected. */
const loops = (domain: string): Reply => ({
  code: 554,
  enhanced: '5.4.6',
  text: `mail for ${domain} leads back to this gateway`,
});

/** RFC 3463 §3.2: X.1.2 is also a system that takes no mail. */
const noAddress = (domain: string): Reply => ({
  code: 550,
  enhanced: '5.1.2',
  text: `${domain} has neither MX nor address`,
});

/** RFC 5321 §5.1: MX records of which none is usable are an error, and the domain itself is not asked. RFC 3463 §3.5: X.4.4. */
const unusable = (domain: string): Reply => ({
  code: 550,
  enhanced: '5.4.4',
  text: `no host that takes mail for ${domain} has an address`,
});
