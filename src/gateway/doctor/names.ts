/** What DNS says of us: our name and its reverse, MX of our domains, SPF. */
import { parseIp, reverseName } from '../../mail/ip.ts';
import {
  addressesIn,
  ask,
  type Finding,
  ok,
  ownAddresses,
  type Practice,
  problem,
  recordsOf,
  trouble,
  warning,
} from './finding.ts';

/** Many hosts refuse mail from an address whose name does not lead back to it (RFC 8601 §2.7.3 calls it iprev). */
export async function examineReverse(practice: Practice): Promise<readonly Finding[]> {
  const { hostname } = practice.installation;
  const own = await ownAddresses(practice);
  if (own.length === 0)
    return [
      problem('hostname', `${hostname} has no address`, `publish an A record for ${hostname}, or mend \`hostname\``),
    ];
  return Promise.all(
    own.map(async (address) => {
      const ip = parseIp(address);
      const answer = ip === undefined ? undefined : await ask(practice, reverseName(ip), 'PTR');
      if (answer === undefined || answer.kind === 'failed')
        return warning('ptr', answer === undefined ? address : trouble(answer), 'look again when the resolver answers');
      const names =
        answer.kind === 'found'
          ? answer.records.flatMap((one) => (one.type === 'PTR' ? [one.name.toLowerCase()] : []))
          : [];
      const remedy = `ask whoever owns ${address} for a PTR record ${hostname}`;
      if (names.length === 0) return problem('ptr', `${address} has no name`, remedy);
      return names.includes(hostname.toLowerCase())
        ? ok('ptr', `${address} is ${hostname}, and back`)
        : problem('ptr', `${address} is called ${names.join(', ')}, not ${hostname}`, remedy);
    }),
  );
}

export async function examineMx(practice: Practice): Promise<readonly Finding[]> {
  const { hostname, domains } = practice.installation;
  const own = await ownAddresses(practice);
  return Promise.all(
    [...domains.keys()].map(async (domain) => {
      const answer = await ask(practice, domain, 'MX');
      if (answer.kind === 'failed') return warning('mx', trouble(answer), 'look again when the resolver answers');
      const exchanges = recordsOf(answer, 'MX').map(({ exchange }) => exchange.toLowerCase());
      if (exchanges.includes(hostname.toLowerCase())) return ok('mx', `${domain} has the MX ${hostname}`);
      for (const exchange of exchanges) {
        const addresses = (
          await Promise.all((['A', 'AAAA'] as const).map((type) => ask(practice, exchange, type)))
        ).flatMap(addressesIn);
        if (addresses.some((address) => own.includes(address)))
          return ok('mx', `${domain} has the MX ${exchange}, which is this machine`);
      }
      const saw = exchanges.length === 0 ? `${domain} has no MX` : `${domain} has the MX ${exchanges.join(', ')}`;
      return warning(
        'mx',
        `${saw}: none is this machine`,
        `publish \`${domain}. MX 10 ${hostname}.\`, unless mail comes by way of another`,
      );
    }),
  );
}

/** Its presence and number only: whether it names every host that sends, the people who send know. */
export async function examineSpf(practice: Practice): Promise<readonly Finding[]> {
  const { hostname, domains } = practice.installation;
  return Promise.all(
    [hostname, ...domains.keys()].map(async (name) => {
      const answer = await ask(practice, name, 'TXT');
      if (answer.kind === 'failed') return warning('spf', trouble(answer), 'look again when the resolver answers');
      const found = recordsOf(answer, 'TXT').filter(({ text }) => /^v=spf1(?: |$)/i.test(text));
      if (found.length === 1) return ok('spf', `${name}: ${found[0]!.text}`);
      return found.length === 0
        ? warning(
            'spf',
            `${name} has no SPF record`,
            'publish one that names the hosts that send in its name (RFC 7208)',
          )
        : problem(
            'spf',
            `${name} has ${found.length} SPF records, which counts as an error (RFC 7208 §4.5)`,
            'leave one',
          );
    }),
  );
}
