/** `postern status`: how the gateway is, and how much waits. */
import type { Command } from 'commander';
import type { Installation } from '../config/installation.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import type { GatewayStatus } from '../ports/control.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { ServiceStatus } from '../ports/services.ts';
import { jsonText } from '../record/jsonl.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { overrideJson } from './override-tell.ts';
import { countQueue, waitingJson } from './queue-count.ts';
import { suspensionJson, suspensionsNow } from './queue-suspend.ts';
import { loadInstallation } from './sound.ts';
import { type Quarantined, type StatusFound, tellStatus } from './status-tell.ts';
import { suspensionJson as userJson } from './suspension.ts';
import type { CliWorld } from './world.ts';

export const statusCommand = (shell: Shell): Command =>
  printing('status', {
    about:
      'Says how the gateway is: since when it runs, sessions, queue, quarantine, free space, the last reload, overrides. ' +
      'When it does not run, says so with exit 1, and tells what the store knows.',
    examples: [
      ['status', 'for a person'],
      ['status --json', 'for monitoring'],
    ],
  }).action(act(shell, status));

async function status(world: CliWorld, { config, json }: Common): Promise<number> {
  const installation = await loadInstallation(world, config);
  const came = await world.control(installation, { verb: 'status' });
  // The bounds of what runs; those of the files where nothing does.
  const room =
    came.kind === 'answered'
      ? came.answer.status.room
      : { minFreeBytes: installation.store.minFreeBytes, quarantineBytes: installation.quarantine.maxBytes };
  const found: StatusFound = {
    gateway: came.kind === 'answered' ? came.answer.status : undefined,
    why: came.kind === 'answered' ? '' : came.why,
    overrides: came.kind === 'answered' ? came.answer.status.overrides : await kept(world, installation),
    free: await world.freeBytes(installation),
    minFree: room.minFreeBytes,
    store: installation.store.path,
    now: world.now(),
    ...(await stored(world, installation, room.quarantineBytes)),
  };
  await world.out(json ? jsonText(statusJson(found)) : tellStatus(found));
  return found.gateway === undefined ? NO : FINE;
}

const kept = async (world: CliWorld, installation: Installation) =>
  (await world.overrides(installation)).filter(({ until }) => until > world.now());

/** A store that was never made has nothing to tell. */
async function stored(
  world: CliWorld,
  installation: Installation,
  quarantineBytes: number,
): Promise<Pick<StatusFound, 'queue' | 'suspensions' | 'quarantine' | 'storeTrouble'>> {
  let visit: Awaited<ReturnType<CliWorld['visit']>>;
  try {
    visit = await world.visit(installation);
  } catch (error) {
    const storeTrouble = error instanceof Error ? error.message : String(error);
    return { queue: undefined, suspensions: [], quarantine: undefined, storeTrouble };
  }
  try {
    const queue = await countQueue(visit.queue, installation, world.now());
    const suspensions = await suspensionsNow(visit.queue, world.now());
    const quarantine = await weighQuarantine(visit.queue, quarantineBytes);
    return { queue, suspensions, quarantine, storeTrouble: '' };
  } finally {
    await visit.close();
  }
}

async function weighQuarantine(queue: QueueStore, most: number): Promise<Quarantined> {
  const { octets, classes } = await queue.weigh();
  const total = Object.values(classes).reduce((sum, items) => sum + items, 0);
  return { total, classes, octets, most };
}

function statusJson(found: StatusFound): object {
  const { gateway, queue, quarantine, now } = found;
  return {
    running: gateway !== undefined,
    why: found.why,
    ...(gateway === undefined ? {} : gatewayJson(gateway, now)),
    overrides: found.overrides.map(overrideJson),
    suspended_users: (found.gateway?.suspensions ?? []).map(userJson),
    queue:
      queue === undefined
        ? null
        : {
            ...waitingJson(queue, now),
            routes: queue.routes.map((one) => ({ route: one.route, ...waitingJson(one, now) })),
          },
    suspensions: found.suspensions.map(suspensionJson),
    quarantine:
      quarantine === undefined
        ? null
        : {
            total: quarantine.total,
            classes: quarantine.classes,
            octets: quarantine.octets,
            max_octets: quarantine.most,
          },
    store: {
      path: found.store,
      free_bytes: found.free ?? null,
      min_free_bytes: found.minFree,
      trouble: found.storeTrouble,
    },
  };
}

const gatewayJson = (gateway: GatewayStatus, now: number): object => ({
  pid: gateway.pid,
  version: gateway.version,
  started_at: new Date(gateway.startedAt).toISOString(),
  uptime_s: Math.max(0, Math.round((now - gateway.startedAt) / 1000)),
  draining: gateway.draining,
  listeners: gateway.listeners,
  policies: gateway.policies,
  dead: (gateway.dead ?? []).map(({ destination, why, probeIn }) => ({
    destination,
    why,
    probe_in_ms: Math.round(probeIn),
  })),
  services: gateway.services.map((one) => ({ service: one.service, ...healthJson(one) })),
  user_directories: (gateway.directories ?? []).map((one) => ({ name: one.service, ...healthJson(one) })),
  last_reload:
    gateway.lastReload === null
      ? null
      : {
          at: new Date(gateway.lastReload.at).toISOString(),
          ok: gateway.lastReload.problems.length === 0,
          problems: gateway.lastReload.problems.map((problem: Problem) => sayProblem(problem)),
        },
});

const healthJson = ({ state, since, lastError }: ServiceStatus<string>): object => ({
  state,
  since: new Date(since).toISOString(),
  last_error: lastError,
});
