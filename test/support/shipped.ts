/** The shipped policies with real daemons behind them: one message through the session of the gateway, with zones for DNS. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { idSource } from '../../src/adapters/ids.ts';
import { MemoryContent } from '../../src/adapters/memory/content.ts';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { ServiceClients } from '../../src/adapters/services/service-clients.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { passedState } from '../../src/checks/passed-state.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { type Rehearsed, rehearse } from '../../src/gateway/rehearse.ts';
import { configure } from '../../src/main/configure.ts';
import type { Resolver } from '../../src/ports/resolver.ts';
import type { Scenario, Zones } from '../../src/record/scenario.ts';
import { resolverOver } from './gateway.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Shipped {
  play(octets: Uint8Array, scenario: Scenario, dns?: Resolver): Promise<Rehearsed>;
  close(): void;
}

/** As `services:` of postern.yaml says where they are. */
export interface Daemons {
  readonly clamav?: { readonly address: string };
  readonly spamassassin?: { readonly address: string };
  readonly rspamd?: { readonly url: string };
}

export const demoZones = (): Zones => parse(readFileSync(join(ROOT, 'fixtures/demo/zones.yaml'), 'utf8')) as Zones;

/** The installation of the demo, its policies as they are shipped, and these daemons. */
export function shipped(services: Daemons): Shipped {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  const demo = parse(readFileSync(join(ROOT, 'fixtures/demo/postern.yaml'), 'utf8')) as { domains: object };
  const domains = { ...demo.domains, 'example.com': { route: 'mailboxes', recipients: 'any' } };
  const installation = { ...demo, domains, policies: join(ROOT, 'policies'), services };
  writeFileSync(join(folder, 'postern.yaml'), stringify(installation));
  writeFileSync(join(folder, 'recipients.txt'), 'alice@example.com\n');
  const clients = new ServiceClients(systemClock, () => {});
  const lists = new RecipientLists({ watch: () => () => {} }, silentLog);
  const path = join(folder, 'postern.yaml');
  const { current, problems, notYet } = configure(path, systemClock, lists, () => [], 'read', undefined, clients);
  rmSync(folder, { recursive: true });
  const wrong = [...problems, ...notYet].filter(({ severity }) => severity === 'error');
  if (current === undefined || wrong.length > 0)
    throw new Error(wrong.map(({ place, message }) => `${place.file}:${place.line} ${message}`).join('\n'));
  const ids = idSource(1, 0, systemClock.now);
  const zones = resolverOver(demoZones());
  const hand = {
    checks: CHECKS,
    log: silentLog,
    current: () => current,
    newId: () => ids.next(),
    content: new MemoryContent(),
    clock: systemClock,
  };
  return {
    play: (octets, scenario, dns = zones) =>
      rehearse({ live: true, ...scenario }, hand, {
        resolver: dns,
        state: passedState(new MemoryState().fork('scratch')),
        message: octets,
      }),
    close: () => clients.close(),
  };
}

/** Who sends in evidence about contents: a neighbour whose names, addresses and SPF are in order. */
export const NEIGHBOUR: Scenario = {
  listener: 'mx',
  client_ip: '192.0.2.5',
  helo: 'mail.neighbour.example',
  mail_from: 'nell@neighbour.example',
  rcpt: ['alice@example.com'],
};
