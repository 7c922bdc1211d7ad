/** The gateway's state as a person reads it. */
import { FILL_MAX } from '../gateway/quarantine/keep.ts';
import { sayProblem } from '../language/problem.ts';
import { sayDuration, type Timestamp } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import type { GatewayStatus } from '../ports/control.ts';
import type { QuarantineWeight } from '../ports/queue.ts';
import type { SourceStatus } from '../ports/recipients.ts';
import type { ServiceStatus } from '../ports/services.ts';
import type { Suspension } from '../queue/suspension.ts';
import { columns, terminal } from '../record/terminal.ts';
import { overrideLine } from './override-tell.ts';
import type { RouteWaiting, Waiting } from './queue-count.ts';
import { suspensionLine } from './queue-suspend.ts';
import { count } from './sound.ts';
import { suspensionLine as userLine } from './suspension.ts';

export interface Quarantined {
  readonly total: number;
  readonly classes: QuarantineWeight['classes'];
  readonly octets: number;
  /** `quarantine.max_size`. */
  readonly most: number;
}

export interface StatusFound {
  /** Undefined where it did not answer: `why` says why. */
  readonly gateway: GatewayStatus | undefined;
  readonly why: string;
  readonly overrides: readonly Override[];
  readonly suspensions: readonly Suspension[];
  readonly queue: (Waiting & { readonly routes: readonly RouteWaiting[] }) | undefined;
  readonly quarantine: Quarantined | undefined;
  /** Why the store could not be looked into, or ''. */
  readonly storeTrouble: string;
  readonly store: string;
  readonly free: number | undefined;
  readonly minFree: number;
  readonly now: Timestamp;
}

export function tellStatus(found: StatusFound): string {
  const { gateway, queue, quarantine, now } = found;
  return terminal(
    columns([
      ...(gateway === undefined ? [['gateway', `not running: ${found.why}`]] : tellGateway(gateway, now)),
      ...found.overrides.map((override) => ['override', overrideLine(override, now)]),
      ...(queue === undefined ? [] : [['queue', sayWaiting(queue, now)]]),
      ...(queue?.routes ?? []).map((one) => ['', `${one.route || 'routes that are gone'}: ${sayWaiting(one, now)}`]),
      ...found.suspensions.map((one) => ['suspended', suspensionLine(one, now)]),
      ...(quarantine === undefined ? [] : [['quarantine', sayQuarantine(quarantine)]]),
      ['store', sayStore(found)],
      ...(found.storeTrouble === '' ? [] : [['', found.storeTrouble]]),
    ]),
  );
}

function tellGateway(gateway: GatewayStatus, now: Timestamp): readonly (readonly string[])[] {
  const { lastReload } = gateway;
  return [
    [
      'gateway',
      `${gateway.version}, running as process ${gateway.pid} for ${sayDuration(Math.max(0, now - gateway.startedAt))}`,
    ],
    ...(gateway.draining ? [['', 'DRAINING: takes nothing new; `postern drain --off` ends it']] : []),
    ...gateway.listeners.map(({ name, address, policy, sessions }) => [
      'listener',
      `${name} at ${address}, policy ${policy}, ${count(sessions, 'session')} open`,
    ]),
    ...gateway.policies.map(({ name, bundle, rules }) => [
      'policy',
      `${name}, ${count(rules, 'rule')}, bundle ${bundle}`,
    ]),
    ...gateway.services.map((one) => ['service', sayService(one, now)]),
    ...(gateway.directories ?? []).map((one) => ['users', sayDirectory(one, now)]),
    // One that was started before there were any says nothing of them.
    ...(gateway.sources ?? []).flatMap((one) => tellSource(one, now)),
    ...(gateway.dead ?? []).map(({ destination, why, probeIn }) => [
      'dead',
      `${destination}: ${why}; asked again in ${sayDuration(probeIn)}, what waits for it is not tried before`,
    ]),
    ...tellDigest(gateway, now),
    // One that was started before there were any says nothing of them.
    ...(gateway.suspensions ?? []).map((one) => ['suspended', userLine(one, now)]),
    ...(lastReload === null
      ? []
      : [
          [
            'reload',
            `${sayDuration(Math.max(0, now - lastReload.at))} ago, ${lastReload.problems.length === 0 ? 'in force' : `REFUSED for ${count(lastReload.problems.length, 'problem')}: what was in force stays`}`,
          ],
          ...lastReload.problems.map((problem) => ['', sayProblem(problem).split('\n')[0] ?? '']),
        ]),
  ];
}

function sayService({ service, state, since, lastError }: ServiceStatus, now: Timestamp): string {
  const span = sayDuration(Math.max(0, now - since));
  if (state === 'down') return `${service} DOWN for ${span}, asked by probes only: ${lastError}`;
  return `${service}: no trouble for ${span}${lastError === '' ? '' : `, before it ${lastError}`}`;
}

function sayDirectory({ service, state, since, lastError }: ServiceStatus<string>, now: Timestamp): string {
  const span = sayDuration(Math.max(0, now - since));
  if (state === 'down') return `${service} DOWN for ${span}, its users hear 454: ${lastError}`;
  return `${service}: no trouble for ${span}${lastError === '' ? '' : `, before it ${lastError}`}`;
}

function tellSource(one: SourceStatus, now: Timestamp): readonly (readonly string[])[] {
  const { source, state, since, lastError, catchAll } = one;
  const span = sayDuration(Math.max(0, now - since));
  const before = lastError === '' ? '' : `, last trouble: ${lastError}`;
  const said = {
    up: `answers for ${span}${before}`,
    down: `DOWN for ${span}: ${lastError}`,
    'not asked yet': 'not asked yet',
  };
  return [
    ['recipients', `${source} ${said[state]}`],
    ...catchAll.map((domain) => ['', `CATCH-ALL for ${domain}: it takes made-up names too, and is not believed`]),
  ];
}

function tellDigest({ digest }: GatewayStatus, now: Timestamp): readonly (readonly string[])[] {
  // One that was started before there were any says nothing of them.
  if (digest === null || digest === undefined) return [];
  const { address, next, last } = digest;
  const when = next === null ? 'not planned yet' : `next in ${sayDuration(Math.max(0, next - now))}`;
  const before =
    last === null
      ? 'none since it started'
      : `last ${sayDuration(Math.max(0, now - last.at))} ago: ${count(last.mails, 'mail')} about ${count(last.messages, 'message')}`;
  return [['digest', `${when}; ${before}; pages at ${address}`]];
}

function sayWaiting({ waiting, due, leased, held, oldest }: Waiting, now: Timestamp): string {
  const age = oldest === undefined ? '' : `, the oldest for ${sayDuration(Math.max(0, now - oldest))}`;
  return `${waiting} waiting (${due} due), ${leased} being sent, ${held} held${age}`;
}

function sayQuarantine({ total, classes, octets, most }: Quarantined): string {
  const each = Object.entries(classes).map(([name, items]) => `${items} ${name}`);
  const full = octets > most * FILL_MAX ? 'NEARLY FULL: ' : '';
  return `${full}${total}${each.length === 0 ? '' : ` (${each.join(', ')})`}, ${sayOctets(octets)} of ${sayOctets(most)}`;
}

function sayStore({ store, free, minFree }: StatusFound): string {
  if (free === undefined) return `${store} is not there`;
  const low = free < minFree ? 'TOO LITTLE: mail is answered 451; ' : '';
  return `${store}: ${low}${sayOctets(free)} free, ${sayOctets(minFree)} must be`;
}

const sayOctets = (octets: number): string =>
  octets < 1024 ** 3 ? `${Math.round(octets / 1024 ** 2)} MiB` : `${(octets / 1024 ** 3).toFixed(1)} GiB`;
