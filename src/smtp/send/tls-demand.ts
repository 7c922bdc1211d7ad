/** What is asked of the TLS of one host: by the route's level, by its zone (DANE, RFC 7672) or by the domain it serves (MTA-STS, RFC 8461). */
import type { ShownCertificates } from '../../ports/dial.ts';
import type { DnsAnswer, Resolver } from '../../ports/resolver.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import type { TlsLevel } from '../../queue/route.ts';
import type { Candidate } from './candidate.ts';
import { troubleOf } from './exchanges.ts';
import { isStsHost, type MtaSts } from './mta-sts.ts';
import { daneDistrust, isUsable, type TlsaRecord } from './tlsa.ts';

export type TlsDemand =
  /** None: not even when offered. Opportunistic: when offered, whoever it is, and in plain where that fails (RFC 7435). */
  | { readonly kind: 'none' | 'opportunistic' | 'required' }
  /** A certificate that this machine trusts, in the host's name. */
  | { readonly kind: 'verified'; readonly by: 'route' | 'mta-sts' }
  | { readonly kind: 'dane'; readonly records: readonly TlsaRecord[]; readonly names: readonly string[] };

export type Demanded =
  | { readonly kind: 'demand'; readonly demand: TlsDemand }
  /** The host may not be asked now: what it must prove is not known, or it is none of those that may be. */
  | { readonly kind: 'kept-from'; readonly why: string };

export interface TlsWorld {
  readonly resolver: Resolver;
  readonly sts: Pick<MtaSts, 'policyOf'>;
}

/** `wish` is the message's own: REQUIRETLS, or `TLS-Required: No` (RFC 8689). */
export async function demandOf(
  level: TlsLevel,
  candidate: Candidate,
  wish: QueueEntry['tls'],
  world: TlsWorld,
  signal: AbortSignal,
): Promise<Demanded> {
  // What domains ask for may be waived by the author, what the operator asks for may not.
  if (wish === 'optional')
    return byLevel(level === 'dane' || level === 'mta-sts' ? 'opportunistic' : level, candidate, world, signal);
  const demanded = await byLevel(level, candidate, world, signal);
  return wish === 'required' && demanded.kind === 'demand' ? proving(demanded.demand, candidate) : demanded;
}

/** RFC 8689 §4.2.1: the name of the host is authentic, and so is the host. */
function proving(of: TlsDemand, { found, name }: Candidate): Demanded {
  if (isProof(of)) return demand(of);
  if (found.by === 'mx' && !found.mxSecure)
    return keptFrom('REQUIRETLS: neither DNSSEC nor MTA-STS vouches for this host');
  return name === ''
    ? keptFrom('REQUIRETLS: the host has no name to prove')
    : demand({ kind: 'verified', by: 'route' });
}

async function byLevel(
  level: TlsLevel,
  candidate: Candidate,
  { resolver, sts }: TlsWorld,
  signal: AbortSignal,
): Promise<Demanded> {
  switch (level) {
    case 'none':
    case 'opportunistic':
    case 'required':
      return demand({ kind: level });
    case 'verified':
      return demand({ kind: 'verified', by: 'route' });
    case 'dane': {
      const dane = await daneOf(candidate, resolver, signal);
      if (dane !== undefined) return dane;
      return candidate.found.by === 'mx'
        ? bySts(candidate, sts, signal)
        : keptFrom('its zone has no signed TLSA records');
    }
    case 'mta-sts':
      return bySts(candidate, sts, signal);
  }
}

/** Undefined where the zone says nothing that counts. */
async function daneOf(
  { name, address, found }: Candidate,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<Demanded | undefined> {
  if (address.kind !== 'tcp' || name === '') return undefined;
  // Who can forge the way to a host can forge its records: all of it is signed or none of it counts (RFC 7672 §2.2).
  if (found.by === 'mx' && !(found.mxSecure && found.addressSecure)) return undefined;
  const answer = await resolver.resolve(`_${address.port}._tcp.${name}`, 'TLSA', signal);
  // RFC 7672 §2.1.1: an attacker would make it fail, so that it must not be passed over.
  if (answer.kind === 'failed') return keptFrom(`its TLSA records cannot be had: ${troubleOf(answer).why}`);
  if (answer.kind === 'empty' || !answer.secure) return undefined;
  const records = tlsaIn(answer).filter(isUsable);
  // None that can be compared: encrypted, and unproved (RFC 7672 §2.2).
  if (records.length === 0) return demand({ kind: 'required' });
  const names = found.by === 'mx' ? [name, found.domain] : [name];
  return demand({ kind: 'dane', records, names: [...new Set(names)] });
}

async function bySts({ name, found }: Candidate, sts: TlsWorld['sts'], signal: AbortSignal): Promise<Demanded> {
  if (found.by !== 'mx') return keptFrom('MTA-STS speaks of hosts by MX alone');
  const policy = await sts.policyOf(found.domain, signal);
  if (policy?.mode !== 'enforce') return demand({ kind: 'opportunistic' });
  if (!isStsHost(policy, name))
    return keptFrom(`${name} is none of the hosts in the MTA-STS policy of ${found.domain}`);
  return demand({ kind: 'verified', by: 'mta-sts' });
}

/** Why the host must not be trusted with the message; '' where it may. `distrust`: what this machine's authorities say. */
export function distrustOf(
  demand: TlsDemand,
  { chain, distrust, at }: Pick<ShownCertificates, 'chain' | 'distrust' | 'at'>,
): string {
  switch (demand.kind) {
    case 'none':
    case 'opportunistic':
    case 'required':
      return '';
    case 'verified':
      return distrust;
    case 'dane':
      return daneDistrust(demand.records, chain, demand.names, at);
  }
}

/** For the record: how the host was proved. */
export function sayProof(demand: TlsDemand): string {
  switch (demand.kind) {
    case 'none':
    case 'opportunistic':
    case 'required':
      return 'not verified';
    case 'verified':
      return demand.by === 'mta-sts' ? 'verified, MTA-STS' : 'verified';
    case 'dane':
      return 'verified by DANE';
  }
}

/** Lines with different ones are kept apart. */
export const demandKey = (demand: TlsDemand): string => (demand.kind === 'dane' ? JSON.stringify(demand) : demand.kind);

/** Nothing less than a proof of the host. */
export const isProof = ({ kind }: TlsDemand): boolean => kind === 'verified' || kind === 'dane';

const demand = (of: TlsDemand): Demanded => ({ kind: 'demand', demand: of });
const keptFrom = (why: string): Demanded => ({ kind: 'kept-from', why });

const tlsaIn = (answer: DnsAnswer): TlsaRecord[] =>
  answer.kind === 'found' ? answer.records.flatMap((record) => (record.type === 'TLSA' ? [record] : [])) : [];
