/** The DNS of the record's bench: the zones of its mail, over the wire, with TTLs and with an SOA where there is nothing. */
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import type { DnsRecord } from '../../src/ports/resolver.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { type Asked, type ScriptedDns, scriptedDns } from '../support/dns-server.ts';

export const dnsOver = (zones: Zones): Promise<ScriptedDns> => scriptedDns(script(zones));

function script(zones: Zones): (asked: Asked) => object {
  const parsed = parseZones(zones);
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  const { names, parents } = parsed.zones;
  const authority = { type: 'SOA', name: 'example', ttl: 900, data: SOA };
  return ({ name, type }) => {
    const found = names.get(name.toLowerCase());
    const answers = (found?.records ?? [])
      .filter((record) => record.type === type)
      .map((record) => ({ name, type, ttl: found!.ttl, data: dataOf(record) }));
    if (answers.length > 0) return { answers };
    return { rcode: found === undefined && !parents.has(name) ? 'NXDOMAIN' : 'NOERROR', authorities: [authority] };
  };
}

const SOA = { mname: 'ns.example', rname: 'x.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 900 };

function dataOf(record: DnsRecord): unknown {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'MX':
      return { preference: record.preference, exchange: record.exchange };
    case 'TXT':
      return record.text.match(/.{1,255}/g);
    case 'PTR':
      return record.name;
    default:
      throw new RangeError(`Cannot answer ${record.type} as no zone here has it`);
  }
}
