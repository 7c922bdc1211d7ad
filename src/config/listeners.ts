/** Listeners as written made into listeners as used: addresses read, policies found, relay control kept. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { toAscii } from '../mail/address.ts';
import { parseIp, parseRange } from '../mail/ip.ts';
import { clientCertificatesOf, relayForOf } from './client-certificates.ts';
import type { Findings } from './findings.ts';
import { parseHostPort } from './host-port.ts';
import type { Installation, Listener } from './installation.ts';
import { overlaps, togetherTooWide, tooWide } from './relay-safety.ts';
import type { LISTENER } from './schema.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';
import { usersOf } from './users.ts';

export function buildListeners(
  sections: Sections,
  users: Installation['users'],
  folder: string,
  policiesDir: string,
  files: InstallationFiles,
  findings: Findings,
): Listener[] {
  const { problems } = findings;
  const taken = new Map<string, string>();
  const policies = files
    .glob(`${policiesDir}/*.yaml`)
    .map((path) => path.slice(policiesDir.length + 1, -'.yaml'.length));
  const hosted = new Set([...sections.maps.domains.keys()].map(toAscii).filter((domain) => domain !== undefined));
  const listeners: Listener[] = [];
  for (const [name, { value, at }] of sections.maps.listeners) {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name))
      problems.push(at.problem([], `"${name}" is no name for a listener`, 'letters, digits, _ and -', 'key'));
    if (value === undefined) continue;

    const address = parseHostPort(value.address);
    const ip = address && parseIp(address.host);
    if (address === undefined || ip === undefined) {
      const remedy = 'expected an address with its port, such as "0.0.0.0:25" or "[::]:25"';
      problems.push(at.problem(['address'], `"${value.address}" is not where a listener can listen`, remedy));
      continue;
    }
    const where = `${ip.text}:${address.port}`;
    const other = taken.get(where);
    // Port 0 is any free one: two listeners may ask for it.
    if (other !== undefined && address.port !== 0)
      problems.push(
        at.problem(['address'], `"${value.address}" is taken by the listener ${other}`, 'give it a port of its own'),
      );
    taken.set(where, name);

    if (!policies.includes(value.policy)) {
      const near = didYouMean(value.policy, policies);
      const message = `there is no policy "${value.policy}"`;
      const expected = `expected ${files.show(`${policiesDir}/${value.policy}.yaml`)}; the least it can say is \`policy: ${value.policy}\``;
      problems.push(at.problem(['policy'], message, near === '' ? expected : `${near} ${expected}`));
    }
    for (const key of ['trusted_networks', 'xclient_from', 'proxy_from'] as const)
      for (const [n, range] of value[key].entries()) checkRange(at, key, n, range, findings);
    for (const key of ['trusted_networks', 'xclient_from', 'proxy_from'] as const) {
      const why = togetherTooWide(value[key]);
      if (why !== undefined) problems.push(at.problem([key], why, 'name the networks that are yours alone', 'key'));
    }
    if (value.newline === 'normalize' && value.trusted_networks.length === 0)
      problems.push(
        at.problem(
          ['newline'],
          '`newline: normalize` is for listeners of trusted networks only',
          'add trusted_networks, or write strict',
        ),
      );

    for (const [n, range] of value.proxy_from.entries())
      for (const key of ['trusted_networks', 'xclient_from'] as const)
        checkSpeaker(at, ['proxy_from', n], range, key, value[key], findings);
    for (const [n, range] of value.xclient_from.entries())
      checkSpeaker(at, ['xclient_from', n], range, 'trusted_networks', value.trusted_networks, findings);

    const tls = tlsOf(value, sections, at, findings);
    const auth = value.auth ?? 'none';
    checkLogins(value, tls, at, findings);
    listeners.push({
      name,
      host: address.host,
      port: address.port,
      policy: value.policy,
      tls,
      auth,
      users: auth === 'none' ? [] : usersOf(value.users, users, at, findings),
      clientCertificates: clientCertificatesOf(value, at, folder, files, findings),
      relayFor: relayForOf(value, at, hosted, findings),
      trustedNetworks: value.trusted_networks,
      xclientFrom: value.xclient_from,
      proxyFrom: value.proxy_from,
      greetWait: value.greet_wait,
      newline: value.newline,
      mixed: value.mixed,
    });
  }
  return listeners;
}

/**
 * A connection for which a balancer or an upstream names nobody counts as its own: it must not be able to relay, or to
 * name others.
 */
function checkSpeaker(
  at: Spot,
  path: readonly [key: 'proxy_from' | 'xclient_from', n: number],
  range: string,
  key: 'trusted_networks' | 'xclient_from',
  others: readonly string[],
  { problems }: Findings,
): void {
  const speakers = parseRange(range);
  if (speakers === undefined) return;
  const shared = others.find((text) => {
    const other = parseRange(text);
    return other !== undefined && overlaps(speakers, other);
  });
  if (shared === undefined) return;
  const message = `"${range}" lies in ${key} too (${shared}): a client it does not name would be trusted`;
  const remedy =
    path[0] === 'proxy_from'
      ? `take the balancer out of ${key}`
      : `take the upstream out of ${key}, or give its own mail a listener of its own`;
  problems.push(at.problem(path, message, remedy));
}

/** A password is never said in the clear (RFC 4954 §4), and a certificate is shown in a handshake. */
function checkLogins(value: z.output<typeof LISTENER>, tls: Listener['tls'], at: Spot, { problems }: Findings): void {
  const auth = value.auth ?? 'none';
  if (auth === 'none' && value.users !== undefined)
    problems.push(at.problem(['users'], 'nobody logs in here', 'add `auth: required`, or remove it', 'key'));
  if (tls !== 'none') return;
  const needing = auth !== 'none' ? 'auth' : value.client_certificates ? 'client_certificates' : 'relay_for';
  if (auth !== 'none' || value.client_certificates !== undefined || value.relay_for !== undefined)
    problems.push(
      at.problem([needing], `\`${needing}\` needs TLS, and this listener speaks none`, 'write `tls: required`', 'key'),
    );
}

/** Where nothing is written: what protects without a promise, so that a stranger's mail is not lost for want of TLS (RFC 3207 §4). */
function tlsOf(
  value: z.output<typeof LISTENER>,
  { singles }: Sections,
  at: Spot,
  { problems }: Findings,
): Listener['tls'] {
  const written = singles.certificates;
  // One that does not validate is a problem already.
  const certified = written !== undefined && written.value?.length !== 0;
  const strangers =
    value.trusted_networks.length === 0 && (value.auth ?? 'none') === 'none' && value.client_certificates === undefined;
  const byDefault = value.auth === 'required' ? 'required' : certified || strangers ? 'opportunistic' : 'none';
  const tls = value.tls ?? byDefault;
  if (tls === 'none' || certified || (tls === 'opportunistic' && strangers)) return tls;
  // A self-signed certificate is for senders who do not look at it; who relays through us should.
  const message = `\`tls: ${tls}\` of this listener needs a certificate, and there is none`;
  const remedy =
    'add `certificates: [{ names: [mx1.example.com], certificate: tls/fullchain.pem, key: tls/privkey.pem }]`';
  problems.push(
    at.problem(value.tls === undefined ? [] : ['tls'], message, remedy, value.tls === undefined ? 'key' : 'value'),
  );
  return tls;
}

function checkRange(at: Spot, key: string, n: number, range: string, { problems }: Findings): void {
  if (parseRange(range) === undefined) {
    problems.push(
      at.problem(
        [key, n],
        `"${range}" is not a range of addresses`,
        'expected one such as 192.0.2.0/24 or 2001:db8::/48',
      ),
    );
    return;
  }
  const why = tooWide(range);
  if (why !== undefined)
    problems.push(
      at.problem([key, n], `"${range}" cannot be trusted: ${why}`, 'name the networks that are yours alone'),
    );
}
