/** Zones served by a DNS server on loopback, so that our own client is asked as it is in life. */
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import type { DnsRecord } from '../../src/ports/resolver.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { type Answered, type ScriptedDns, scriptedDns } from './dns-server.ts';

const AUTHENTIC = 0x20;

/** A name with TIMEOUT in its zone is answered by nobody, one with SERVFAIL by that. */
export async function servedZones(zones: Zones): Promise<ScriptedDns> {
  const parsed = parseZones(zones);
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  const { names } = parsed.zones;
  return scriptedDns(({ name, type }): Answered => {
    const zone = names.get(name.toLowerCase());
    if (zone === undefined) return { rcode: 'NXDOMAIN', authorities: [SOA] };
    if (zone.outage === 'timeout') return undefined;
    if (zone.outage === 'servfail') return { rcode: 'SERVFAIL' };
    const flags = zone.secure ? AUTHENTIC : 0;
    const records = zone.records.filter((record) => record.type === type || record.type === 'CNAME');
    if (records.length === 0) return { flags, authorities: [SOA] };
    return { flags, answers: records.map((record) => ({ name, ttl: 60, class: 'IN', ...dataOf(record) })) };
  });
}

const SOA = {
  type: 'SOA',
  name: 'test',
  ttl: 60,
  data: { mname: 'ns.test', rname: 'h.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
};

function dataOf(record: DnsRecord): object {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { type: record.type, data: record.address };
    case 'MX':
      return { type: 'MX', data: { preference: record.preference, exchange: record.exchange || '.' } };
    case 'CNAME':
      return { type: 'CNAME', data: record.name };
    default:
      throw new RangeError(`Cannot serve a ${record.type} as it must be A, AAAA, MX or CNAME`);
  }
}
