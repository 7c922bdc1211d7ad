/** Reads `postern.yaml` and what it includes into an installation, or into all that is wrong with it. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { inOrder, type Problem } from '../language/problem.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
import { parseIp } from '../mail/ip.ts';
import { buildCertificates } from './certificates.ts';
import { buildDigest } from './digest.ts';
import { buildDomains } from './domains.ts';
import type { Findings } from './findings.ts';
import { parseHostPort, sayHostPort } from './host-port.ts';
import type { Installation, Listener } from './installation.ts';
import { limitsOf } from './limits.ts';
import { buildListeners } from './listeners.ts';
import { nodeNumber } from './node-number.ts';
import { refuseOwnListeners } from './own-listener.ts';
import { folderOf, resolvePath } from './paths.ts';
import { quarantineOf } from './quarantine.ts';
import { srsOf } from './rewrites.ts';
import { buildRoutes } from './routes.ts';
import { buildRouting } from './routing.ts';
import { SINGLES } from './schema.ts';
import { type InstallationFiles, readSections, type Sections } from './sections.ts';
import { buildServices } from './services.ts';
import { buildSeal, buildSigning } from './signing.ts';
import { buildSenders, buildUsers } from './users.ts';

export interface LoadedInstallation {
  /** Undefined where there is any error. There may be one though something has not come yet: `check` looks at it. */
  readonly installation?: Installation;
  readonly problems: readonly Problem[];
  /** What is written rightly and has not come yet: `serve` refuses to start with any. */
  readonly notYet: readonly Problem[];
}

/** `file` is absolute. Never throws for what stands in the files. */
export function loadInstallation(file: string, files: InstallationFiles): LoadedInstallation {
  const sections = readSections(file, files);
  const findings: Findings = { problems: [...sections.problems], notYet: [] };
  const folder = folderOf(file);
  const single = <K extends keyof typeof SINGLES>(key: K): z.output<(typeof SINGLES)[K]> | undefined =>
    sections.singles[key]?.value;

  const hostname = hostnameOf(sections, findings);
  const node = single('node') ?? hostname.split('.')[0]!;
  const policiesDir = resolvePath(folder, single('policies') ?? 'policies');
  const written = single('queue') ?? SINGLES.queue.parse({});
  const queue = {
    retry: written.retry,
    expire: written.expire,
    delayNotice: written.delay_notice,
    notificationExpire: written.notification_expire,
  };
  const store = single('store') ?? SINGLES.store.parse({});
  const records = single('records') ?? SINGLES.records.parse({});
  const certificates = buildCertificates(sections, folder, files, findings);
  const limits = limitsOf(single('limits') ?? SINGLES.limits.parse({}));
  const users = buildUsers(sections, folder, files, findings);
  const listeners = buildListeners(sections, users, folder, policiesDir, files, findings);
  reportMissing(sections, findings);
  const routes = buildRoutes(sections, folder, files, queue, findings);
  const domains = buildDomains(sections, routes, folder, files, findings);
  refuseOwnListeners(sections, routes, listeners, findings);
  const signing = buildSigning(sections, folder, files, findings);

  const installation: Installation = {
    file,
    hostname,
    node,
    nodeNumber: nodeNumber(node),
    threads: single('threads') ?? 'cores',
    postmaster: postmasterOf(sections, hostname, findings),
    listeners,
    certificates,
    domains,
    srs: srsOf(sections, domains, folder, findings),
    routes,
    routing: buildRouting(sections, findings),
    users,
    senders: buildSenders(sections, findings),
    defaultRoute: defaultRouteOf(sections, listeners, findings),
    signing,
    seal: buildSeal(sections, signing, findings),
    dns: dnsOf(sections, findings),
    policiesDir,
    store: { path: resolvePath(folder, store.path), minFreeBytes: store.min_free },
    queue,
    quarantine: quarantineOf(sections, limits.messageBytes, findings),
    limits,
    digest: buildDigest(sections, listeners, findings),
    records: {
      retention: records.retention,
      coalesce: records.connections.coalesce,
      subject: records.subject,
      jsonl: records.jsonl === undefined ? '' : resolvePath(folder, records.jsonl.path),
    },
    services: buildServices(sections, findings),
    log: single('log') ?? SINGLES.log.parse({}),
  };
  refuseWhatHasNotCome(sections, findings);
  const problems = inOrder(mainFirst(findings.problems, files.show(file)));
  const notYet = inOrder(mainFirst(findings.notYet, files.show(file)));
  return problems.every(({ severity }) => severity === 'warning')
    ? { installation, problems, notYet }
    : { problems, notYet };
}

const mainFirst = (problems: readonly Problem[], main: string): readonly Problem[] => [
  ...problems.filter(({ place }) => place.file === main),
  ...problems.filter(({ place }) => place.file !== main),
];

/** With these four, `serve` works. */
const REQUIRED = {
  hostname: '`hostname: mx1.example.com`, the name this machine has in DNS',
  listeners: '`listeners: { mx: { address: "0.0.0.0:25", policy: inbound } }`',
  domains: '`domains: { example.com: { route: store, recipients: { file: recipients.txt } } }`',
  routes: '`routes: { store: { hosts: ["mail1.internal:25"] } }`',
};

function reportMissing({ said, main, maps }: Sections, { problems }: Findings): void {
  if (said === undefined) return;
  for (const [key, example] of Object.entries(REQUIRED))
    if (!said.has(key)) problems.push(main.problem([key], `"${key}" is missing`, `add ${example}`, 'key'));
  if (said.has('listeners') && maps.listeners.size === 0)
    problems.push(main.problem(['listeners'], 'no listener is named', `write ${REQUIRED.listeners}`, 'key'));
}

function hostnameOf({ singles }: Sections, { problems }: Findings): string {
  const written = singles.hostname;
  if (written?.value === undefined) return 'localhost';
  const hostname = toAscii(written.value);
  if (hostname !== undefined && !/^[\d.]+$/.test(hostname)) return hostname;
  const remedy = 'expected the name this machine has in DNS, such as mx1.example.com';
  problems.push(written.at.problem([], `"${written.value}" is not a host name`, remedy));
  return 'localhost';
}

function postmasterOf({ singles }: Sections, hostname: string, { problems }: Findings): string {
  const written = singles.postmaster;
  if (written?.value === undefined) return `postmaster@${hostname}`;
  const mailbox = parseMailbox(written.value, true);
  if (mailbox.kind === 'ok') return mailbox.value.address;
  const remedy = 'expected an address such as it@example.com';
  problems.push(written.at.problem([], `"${written.value}" is not an address: ${mailbox.why}`, remedy));
  return '';
}

function defaultRouteOf(
  { singles, maps, main }: Sections,
  listeners: readonly Listener[],
  { problems }: Findings,
): string {
  const written = singles.default_route;
  const routes = [...maps.routes.keys()];
  if (written === undefined) {
    const relaying = listeners.find((listener) => relaysFor(listener) !== undefined);
    if (relaying !== undefined)
      problems.push(
        main.problem(
          ['listeners', relaying.name, relaysFor(relaying)!.key],
          `"${relaying.name}" relays for ${relaysFor(relaying)!.whom}, and no route leads to other domains`,
          `add \`default_route:\` and the name of a route: ${routes.join(', ')}`,
          'key',
        ),
      );
    return '';
  }
  if (written.value !== undefined && !maps.routes.has(written.value)) {
    const near = didYouMean(written.value, routes);
    const remedy = `${near} there are: ${routes.join(', ')}`.trim();
    problems.push(written.at.problem([], `there is no route "${written.value}"`, remedy));
  }
  return written.value ?? '';
}

/** Whom a listener takes mail from for other domains. */
function relaysFor(listener: Listener): { readonly key: string; readonly whom: string } | undefined {
  if (listener.trustedNetworks.length > 0) return { key: 'trusted_networks', whom: 'trusted networks' };
  if (listener.auth !== 'none') return { key: 'auth', whom: 'users' };
  if (listener.clientCertificates !== undefined)
    return { key: 'client_certificates', whom: 'clients with certificates' };
  return listener.relayFor.length > 0 ? { key: 'relay_for', whom: 'a provider' } : undefined;
}

function dnsOf({ singles }: Sections, { problems }: Findings): Installation['dns'] {
  const { servers, timeout } = singles.dns?.value ?? SINGLES.dns.parse({});
  return {
    timeout,
    servers: servers.map((text, n) => {
      const address = parseHostPort(text, DNS_PORT) ?? parseHostPort(`[${text}]`, DNS_PORT);
      if (address !== undefined && parseIp(address.host) !== undefined) return sayHostPort(address);
      const remedy = 'expected an address such as 127.0.0.1:53';
      problems.push(singles.dns!.at.problem(['servers', n], `"${text}" is not the address of a DNS server`, remedy));
      return text;
    }),
  };
}

const DNS_PORT = 53;

function refuseWhatHasNotCome({ singles }: Sections, { notYet }: Findings): void {
  const waiting = {
    admin: 'the admin pages have not come yet',
  } as const;
  for (const [key, message] of Object.entries(waiting)) {
    const written = singles[key as keyof typeof waiting];
    if (written !== undefined) notYet.push(written.at.problem([], message, `remove \`${key}:\``, 'key'));
  }
  // Records lie in one file a day, dropped whole: some of a day cannot go before the rest.
  if (singles.records?.value?.connections.retention !== undefined)
    notYet.push(
      singles.records.at.problem(
        ['connections', 'retention'],
        'a retention of their own for records of connections has not come yet',
        'remove it: `records.retention` holds for all',
        'key',
      ),
    );
}
