/** Scenarios played in this process: a policy given as text, DNS from the scenario's zones, nothing kept. */
import { createHash } from 'node:crypto';
import { idSource } from '../../src/adapters/ids.ts';
import { MemoryContent } from '../../src/adapters/memory/content.ts';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { ServiceClients } from '../../src/adapters/services/service-clients.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import type { Check } from '../../src/checks/define.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { installationView } from '../../src/config/bundle-view.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../src/gateway/dns/zone-resolver.ts';
import { type Rehearsed, rehearse, type Stagehand, wireOctets } from '../../src/gateway/rehearse.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import type { Resolver } from '../../src/ports/resolver.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { filesOf } from './installation-files.ts';

const INSTALLATION = `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:2525", policy: inbound } }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
`;

/** Plays scenarios by a policy named `inbound`. Throws with every problem when it does not load. */
export function rehearsalOf(
  policyText: string,
  installationText = INSTALLATION,
  checks: ReadonlyMap<string, Check> = CHECKS,
  dns: (zones: Resolver) => Resolver = (zones) => zones,
): (scenario: Scenario) => Promise<Rehearsed> {
  const disk = { '/etc/postern/postern.yaml': installationText, '/etc/postern/policies/inbound.yaml': policyText };
  const { installation, problems } = loadInstallation('/etc/postern/postern.yaml', filesOf(disk));
  if (installation === undefined) throw new Error(JSON.stringify(problems));
  const loaded = loadPolicy({
    files: {
      name: 'policies',
      glob: () => [],
      read: (path) => (path === 'inbound.yaml' ? { path, text: policyText } : undefined),
    },
    path: 'inbound.yaml',
    catalog: checks,
    installation: installationView(installation),
    routes: [...installation.routes.keys()],
    digest: (text) => createHash('sha256').update(text).digest('hex'),
  });
  const { policy } = loaded;
  if (policy === undefined) throw new Error(JSON.stringify(loaded.problems));
  const current = {
    installation,
    policies: new Map([['inbound', policy]]),
    zones: new Map(),
    logins: new Map(),
    services: new ServiceClients(systemClock, () => {}).of(installation.services),
    directory: { resolve: async () => ({ result: 'known' as const, source: 'any', listed: false, by: '' as const }) },
  };
  const ids = idSource(1, 0, () => systemClock.now());
  const hand: Stagehand = {
    checks,
    log: silentLog,
    current: () => current,
    newId: () => ids.next(),
    content: new MemoryContent(),
    clock: systemClock,
  };
  return (scenario) => {
    const zones = parseZones(scenario.dns ?? {});
    if (zones.kind === 'bad') throw new Error(JSON.stringify(zones.problems));
    return rehearse(scenario, hand, {
      resolver: dns(zoneResolver(zones.zones)),
      state: new MemoryState('scratch'),
      message: scenario.raw === undefined ? undefined : wireOctets(Buffer.from(scenario.raw, 'utf8')),
    });
  };
}
