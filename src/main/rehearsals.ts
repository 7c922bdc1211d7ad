/** Rehearsals as a command runs them: memory in place of the store, zones or the resolver for DNS, scratch state. */

import { readFileSync } from 'node:fs';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { DnsClient } from '../adapters/dns/client.ts';
import { idSource } from '../adapters/ids.ts';
import { MemoryState } from '../adapters/memory/state.ts';
import { memoryStore } from '../adapters/memory/store.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { silentLog } from '../adapters/system/log.ts';
import { passedState } from '../checks/passed-state.ts';
import { CHECKS } from '../checks/registry.ts';
import type { Rehearsals } from '../cli/world.ts';
import { keyedResolver } from '../gateway/dns/keyed-zones.ts';
import { parseZones } from '../gateway/dns/zone-data.ts';
import { zoneResolver } from '../gateway/dns/zone-resolver.ts';
import { type Rehearsed, rehearse, type Stagehand, wireOctets } from '../gateway/rehearse.ts';
import type { Current } from '../gateway/world.ts';
import { SERVICES, type ServiceName } from '../policy/services.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { StateStore } from '../ports/state.ts';
import type { Scenario } from '../record/scenario.ts';
import { underServices } from './configure.ts';

export type Player = (scenario: Scenario) => Promise<Rehearsed>;

/** `live` is the running gateway's state, asked only where a scenario says so. */
export function openRehearsals(current: Current, live?: () => Promise<StateStore>): Rehearsals & { start(): Player } {
  const ids = idSource(current.installation.nodeNumber, 15, systemClock.now);
  const { servers, timeout } = current.installation.dns;
  const client = new DnsClient({ servers, timeout, elapsed: systemClock.elapsed, log: silentLog });
  // Zone files answer under the names that are shown: they hold no key.
  const network = keyedResolver(client, () => current.zones);
  const zones = new Map<string, Resolver>();
  const hand: Stagehand = {
    clock: systemClock,
    newId: () => ids.next(),
    content: memoryStore().content,
    checks: CHECKS,
    log: silentLog,
    current: () => current,
  };
  const resolverFor = ({ dns }: Scenario): Resolver => {
    if (dns === undefined) return network;
    if (typeof dns !== 'string') return resolverOf(dns, 'dns');
    const known = zones.get(dns) ?? resolverOf(readZoneFile(dns), dns);
    zones.set(dns, known);
    return known;
  };
  const variants = new Map<string, Current>();
  /** Whoever answers for a daemon plays an installation that has it, whatever this one has. */
  const currentFor = ({ answers = {} }: Scenario): Current => {
    const names = answeredServices(current, Object.keys(answers));
    if (names.length === 0) return current;
    const key = names.join();
    const known = variants.get(key) ?? { ...current, policies: underServices(current, names).policies };
    variants.set(key, known);
    return known;
  };
  return {
    start: () => {
      let state: Promise<StateStore> | undefined;
      return async (scenario) => {
        state ??= stateFor(scenario.state ?? 'passed', live);
        const playing = currentFor(scenario);
        return rehearse(
          scenario,
          { ...hand, current: () => playing },
          {
            resolver: resolverFor(scenario),
            state: await state,
            message: messageOf(scenario),
          },
        );
      };
    },
    close: async () => {},
  };
}

/** Services that are not configured, and that an instance asks for which answers are given. */
const answeredServices = ({ installation, policies }: Current, instances: readonly string[]): readonly ServiceName[] =>
  SERVICES.filter(
    (name) =>
      installation.services[name] === undefined &&
      [...policies.values()].some(({ checks }) =>
        checks.some((one) => CHECKS.get(one.check)?.service === name && instances.includes(one.name)),
      ),
  );

async function stateFor(
  from: 'passed' | 'fresh' | 'live',
  live: (() => Promise<StateStore>) | undefined,
): Promise<StateStore> {
  switch (from) {
    case 'fresh':
      return new MemoryState().fork('scratch');
    case 'passed':
      return passedState(new MemoryState().fork('scratch'));
    case 'live':
      return (live === undefined ? new MemoryState() : await live()).fork('scratch');
  }
}

function readZoneFile(path: string): unknown {
  try {
    return parseYaml(readNamed('zone file', path).toString('utf8'), { maxAliasCount: 0 });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new RangeError(`Cannot read the zone file ${path} as it must be YAML: ${error.message.split('\n')[0]}`);
  }
}

function readNamed(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const now = code === 'ENOENT' ? 'there is no such file' : message;
    throw new RangeError(`Cannot read the ${what} ${path} as it must be there, from where the command runs: ${now}`);
  }
}

function resolverOf(data: unknown, name: string): Resolver {
  const parsed = parseZones(data);
  if (parsed.kind === 'ok') return zoneResolver(parsed.zones);
  const told = parsed.problems
    .map(({ path, message, remedy }) => `${path.join(' › ')}: ${remedy}; now ${message}`)
    .join('; ');
  throw new RangeError(`Cannot read the zones of ${name} as they must be zones: ${told}`);
}

function messageOf({ message, raw }: Scenario): Uint8Array | undefined {
  if (raw !== undefined) return wireOctets(Buffer.from(raw, 'utf8'));
  return message === undefined ? undefined : wireOctets(readNamed('message', message));
}
