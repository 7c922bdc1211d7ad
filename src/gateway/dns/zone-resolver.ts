/** DNS that answers from a table alone: the resolver of rehearsals and tests, from which nothing leaves the process. */
import { lowerAscii, questionName } from '../../mail/dns-name.ts';
import type { DnsAnswer, DnsRecord, DnsType, Resolver } from '../../ports/resolver.ts';
import { ZONE_TTL, type ZoneName, type ZoneTable } from './zone-data.ts';

/** Aliases followed for one question; a loop ends here too. */
export const ALIASES_MAX = 8;
const SERVER = 'zones';

/** Any text may be asked; one that cannot be a name is a name that does not exist (RFC 7208 §4.3 treats both alike). */
export function zoneResolver(zones: ZoneTable): Resolver {
  return {
    resolve: (name, type, signal) =>
      Promise.resolve(
        signal.aborted
          ? failed({ name: lowerAscii(name), type }, { rcode: '', cause: 'cancelled', server: '' })
          : answer(zones, name, type),
      ),
  };
}

interface Question {
  readonly name: string;
  readonly type: DnsType;
}

function answer(zones: ZoneTable, asked: string, type: DnsType): DnsAnswer {
  const name = questionName(asked);
  const question = { name: name ?? lowerAscii(asked), type };
  const basis = { ...question, cached: false, server: SERVER };
  let at = name;
  let ttl = Number.POSITIVE_INFINITY;
  let secure = true;
  for (let alias = 0; alias <= ALIASES_MAX; alias++) {
    const here: ZoneName | undefined = at === undefined ? undefined : zones.names.get(at);
    if (at === undefined || here === undefined) {
      const ends = { ttl: Math.min(ttl, ZONE_TTL), secure: false };
      // A name that has others below it exists (RFC 8020 §2).
      return at !== undefined && zones.parents.has(at)
        ? { kind: 'empty', rcode: 'NOERROR', why: 'noData', ...basis, ...ends }
        : { kind: 'empty', rcode: 'NXDOMAIN', why: 'noSuchName', ...basis, ...ends };
    }
    ttl = Math.min(ttl, here.ttl);
    secure &&= here.secure;
    const records = here.records.filter((record) => record.type === type);
    if (records.length > 0) return { kind: 'found', rcode: 'NOERROR', records, ...basis, ttl, secure };
    if (here.outage === 'timeout') return failed(question, { rcode: '', cause: 'timeout', server: '' });
    if (here.outage === 'servfail') return failed(question, { rcode: 'SERVFAIL', cause: 'servfail', server: SERVER });
    const cname = here.records.find((record): record is CnameRecord => record.type === 'CNAME');
    if (cname === undefined) return { kind: 'empty', rcode: 'NOERROR', why: 'noData', ...basis, ttl, secure };
    at = questionName(cname.name);
  }
  return failed(question, { rcode: '', cause: 'limit', server: SERVER });
}

type CnameRecord = DnsRecord & { readonly type: 'CNAME' };
type Failure = Pick<Extract<DnsAnswer, { kind: 'failed' }>, 'rcode' | 'cause' | 'server'>;

const failed = (question: Question, failure: Failure): DnsAnswer => ({
  kind: 'failed',
  ...question,
  ...failure,
  cached: false,
  ttl: 0,
  secure: false,
});
