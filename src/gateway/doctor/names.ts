/** What DNS says of us: our name and its reverse, MX of our domains. */
import { parseIp, reverseName } from '../../mail/ip.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import {
  addressesOf,
  ask,
  domainsLeft,
  domainsOf,
  ownAddresses,
  type Practice,
  recordsOf,
  trouble,
} from './practice.ts';

/** Many hosts refuse mail from an address whose name does not lead back to it (RFC 8601 §2.7.3 calls it iprev). */
export async function examineReverse(practice: Practice): Promise<readonly Finding[]> {
  const { hostname } = practice.installation;
  const own = await ownAddresses(practice);
  if (own.length === 0) {
    const why = trouble(await ask(practice, hostname, 'A'));
    if (why !== '') return [warning('hostname', why, 'look again when the resolver answers')];
    return [
      problem('hostname', `${hostname} has no address`, `publish an A record for ${hostname}, or mend \`hostname\``),
    ];
  }
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

interface Exchanges {
  readonly domain: string;
  readonly all: readonly string[];
  /** Those that lead to this machine. */
  readonly ours: readonly string[];
  /** Why there is no telling, or ''. */
  readonly trouble: string;
}

export async function examineMx(practice: Practice): Promise<readonly Finding[]> {
  const { hostname } = practice.installation;
  const findings = (await exchangesOf(practice)).map(({ domain, all, ours, trouble: why }) => {
    if (why !== '') return warning('mx', why, 'look again when the resolver answers');
    if (ours.length > 0) return ok('mx', `${domain} has the MX ${ours.join(', ')}, which is this machine`);
    const saw = all.length === 0 ? `${domain} has no MX` : `${domain} has the MX ${all.join(', ')}`;
    return warning(
      'mx',
      `${saw}: none is this machine`,
      `publish \`${domain}. MX 10 ${hostname}.\`, unless mail comes by way of another`,
    );
  });
  const left = domainsLeft(practice);
  return left === 0 ? findings : [...findings, info('mx', `${left} more domains were not looked at`)];
}

/** The names under which strangers find this machine: its own, and those of MX that lead here. */
export async function mxNames(practice: Practice): Promise<readonly string[]> {
  const found = (await exchangesOf(practice)).flatMap(({ ours }) => ours);
  return [...new Set([practice.installation.hostname, ...found])].slice(0, NAMES_MAX);
}

/** One machine has one or two. */
const NAMES_MAX = 8;
/** Of one domain; no sender tries more. */
const EXCHANGES_MAX = 10;

async function exchangesOf(practice: Practice): Promise<readonly Exchanges[]> {
  const { hostname } = practice.installation;
  const own = await ownAddresses(practice);
  return Promise.all(
    domainsOf(practice).map(async (domain): Promise<Exchanges> => {
      const answer = await ask(practice, domain, 'MX');
      const all = recordsOf(answer, 'MX')
        .map(({ exchange }) => exchange)
        .slice(0, EXCHANGES_MAX);
      const here = await Promise.all(
        all.map(
          async (name) =>
            name === hostname || (await addressesOf(practice, name)).some((address) => own.includes(address)),
        ),
      );
      return { domain, all, ours: all.filter((_, n) => here[n]), trouble: trouble(answer) };
    }),
  );
}
