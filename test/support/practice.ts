/** An installation in good health for the doctor: zones and loopback hosts in the place of the world. */
import { onTestFinished } from 'vitest';
import { dialSocket } from '../../src/adapters/net/dial.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import type { Practice } from '../../src/gateway/doctor/practice.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { GatewayStatus } from '../../src/ports/control.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { ArrivalsHost } from './arrivals-host.ts';
import { resolverOver } from './gateway.ts';
import { aRecord } from './record.ts';
import { NOON } from './samples.ts';

export const WELL: Zones = {
  'mx1.example.com': [{ A: '192.0.2.1' }, { TXT: 'v=spf1 a -all' }],
  '1.2.0.192.in-addr.arpa': [{ PTR: 'mx1.example.com' }],
  'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 mx -all' }],
  org: [{ NS: 'ns.test' }],
  '2.0.0.127.list.test': [{ A: '127.0.0.2' }],
};
const POLICY = {
  secrets: [],
  checks: [
    {
      check: 'dnsbl',
      options: {
        lists: {
          one: { zone: 'list.test', codes: { '127.0.0.2': 4 } },
          good: { zone: 'good.test', codes: { '127.0.0.1': -1 } },
        },
      },
    },
  ],
} as unknown as Policy;

export const STATUS: GatewayStatus = {
  pid: 42,
  version: '0.1.0',
  startedAt: NOON - 3_600_000,
  configuration: 'abc',
  draining: false,
  room: { minFreeBytes: 1024 ** 3, quarantineBytes: 10 * 1024 ** 3 },
  listeners: [],
  policies: [],
  lastReload: null,
  services: [],
  sources: [],
  digest: null,
  overrides: [],
  suspensions: [],
};

export async function practice(zones: Zones, more: Partial<Practice> = {}, dns = '127.0.0.1:53'): Promise<Practice> {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  const { installation } = loadInstallation('/etc/postern/postern.yaml', {
    read: () => `hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["127.0.0.1:${host.port}"] } }
dns: { servers: ["${dns}"] }
`,
    exists: () => true,
    glob: (pattern) => [pattern.replace('*', 'inbound')],
    pair: () => ({ kind: 'unread' }),
    signingKey: () => ({ kind: 'unread' }),
    show: (path) => path,
  });
  return {
    installation: installation!,
    policies: [POLICY],
    resolver: resolverOver(zones),
    dial: dialSocket,
    identityOf: () => undefined,
    services: {},
    recipientClient: () => ({ ask: async () => 'unknown', close: () => {} }),
    askUsers: async () => ({ kind: 'nobody' }),
    nobody: () => 'nobody',
    outwards: '',
    modeOf: async () => 0o40700,
    pair: () => ({ kind: 'unread' }),
    signingKey: () => ({ kind: 'unread' }),
    timeKept: async () => ({ kind: 'kept' }),
    freeBytes: 10 * 1024 ** 3,
    heldBytes: 0,
    storeTrouble: '',
    recent: [aRecord({ at: NOON - 1000 })],
    gateway: { kind: 'answered', answer: { problems: [], status: STATUS } },
    onDisk: { version: '0.1.0', configuration: 'abc' },
    now: NOON,
    signal: AbortSignal.timeout(15_000),
    ...more,
  };
}
