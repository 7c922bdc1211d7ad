/** What a person's commands may do to the running gateway: reload, drain, brake, and ask how it is. */
import { serveControl } from '../adapters/control/server.ts';
import { overrideFile } from '../adapters/files/override-file.ts';
import { lift, suspend, suspensions } from '../gateway/auth/suspension.ts';
import type { ServiceHealth } from '../gateway/service-health.ts';
import type { Current } from '../gateway/world.ts';
import type { Problem } from '../language/problem.ts';
import { sameUser } from '../mail/user-name.ts';
import type { Override } from '../policy/override.ts';
import { SERVICES } from '../policy/services.ts';
import type { Clock } from '../ports/clock.ts';
import type { ControlAnswer, ControlAsk, DeadDestination, GatewayStatus, SuspensionWish } from '../ports/control.ts';
import type { Log } from '../ports/log.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { SourceStatus } from '../ports/recipients.ts';
import type { StateStore } from '../ports/state.ts';
import type { Digests } from './digests.ts';
import type { Edge } from './edge.ts';
import { fingerprint } from './fingerprint.ts';
import { inForceAt, Overrides } from './overrides.ts';
import { version } from './version.ts';

/** The running gateway as the control line needs it. */
export interface Steered {
  readonly current: () => Current;
  reload(): Promise<readonly Problem[]>;
  reloadLists(): Promise<readonly Problem[]>;
  /** Puts the policies in force under these overrides, and nothing else that is new. */
  override(overrides: readonly Override[]): Promise<readonly Problem[]>;
  readonly edge: Edge;
  /** Undefined where the configuration says none. */
  readonly digests: Pick<Digests, 'address' | 'status'> | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly services: ServiceHealth;
  readonly directories: ServiceHealth<string>;
  readonly recipients: { status(): readonly SourceStatus[] };
  readonly state: StateStore;
  readonly queue: Pick<QueueStore, 'suspensions' | 'suspend' | 'resume' | 'list' | 'amend'>;
  readonly dead: () => readonly DeadDestination[];
}

export interface Control {
  /** As `Steered.reload`; its outcome is kept for `status`. */
  reload(): Promise<readonly Problem[]>;
  close(): Promise<void>;
}

export async function openControl(steered: Steered): Promise<Control> {
  const { clock, log } = steered;
  const startedAt = clock.now();
  const runs = version();
  const { path } = steered.current().installation.store;
  const overrides = new Overrides({
    store: overrideFile(path),
    clock,
    log,
    newId: steered.newId,
    policies: () => steered.current().policies,
    apply: (next) => steered.override(next),
  });
  let draining = false;
  let lastReload: GatewayStatus['lastReload'] = null;

  const reload = async (): Promise<readonly Problem[]> => {
    const problems = await steered.reload();
    lastReload = { at: clock.now(), problems };
    return problems;
  };
  const status = async (): Promise<GatewayStatus> => {
    const current = steered.current();
    const { installation, policies } = current;
    const { edge } = steered;
    const sessions = await edge.sessions();
    return {
      pid: process.pid,
      version: runs,
      startedAt,
      configuration: fingerprint(current),
      draining,
      room: {
        minFreeBytes: installation.store.minFreeBytes,
        quarantineBytes: installation.quarantine.maxBytes,
      },
      listeners: installation.listeners.map(({ name, policy }) => ({
        name,
        policy,
        address: edge.addresses[name] ?? '',
        sessions: sessions[name] ?? 0,
      })),
      policies: [...policies.values()].map(({ name, bundle, rules }) => ({
        name,
        bundle: bundle.digest,
        rules: rules.length,
      })),
      lastReload,
      services: steered.services.status(SERVICES.filter((name) => installation.services[name] !== undefined)),
      directories: steered.directories.status(
        [...installation.users].flatMap(([name, { kind }]) => (kind === 'ldap' ? [name] : [])),
      ),
      sources: steered.recipients.status(),
      dead: steered.dead(),
      digest: steered.digests === undefined ? null : digestStatus(steered.digests),
      overrides: inForceAt(overrides.list, clock.now()),
      suspensions: await suspensions(steered.state, clock.now()),
    };
  };
  const drain = (on: boolean): void => {
    if (draining === on) return;
    draining = on;
    steered.edge.drain(on);
    log.warn(on ? 'drain.began' : 'drain.ended', {});
  };
  const carryOut = async (ask: ControlAsk): Promise<Omit<ControlAnswer, 'status'>> => {
    switch (ask.verb) {
      case 'reload':
        return { problems: await reload() };
      case 'reload lists':
        return { problems: await steered.reloadLists() };
      case 'drain':
      case 'undrain':
        drain(ask.verb === 'drain');
        return { problems: [] };
      case 'status':
        return { problems: [] };
      case 'suspension':
        if ('begin' in ask) await begun(steered, ask.begin);
        else await lifted(steered, ask.lift);
        return { problems: [] };
      case 'override':
        return {
          problems: [],
          override: 'begin' in ask ? await overrides.begin(ask.begin) : await overrides.end(ask.end.id, ask.end.by),
        };
    }
  };
  await overrides.start();
  const close = await serveControl(path, async (ask) => ({ ...(await carryOut(ask)), status: await status() }), log);
  return {
    reload,
    close: async () => {
      overrides.stop();
      await close();
    },
  };
}

async function begun({ state, queue, clock, log }: Steered, { user, span, by, why }: SuspensionWish): Promise<void> {
  const since = clock.now();
  const name = sameUser(user);
  if (name === undefined) throw new RangeError(`"${user}" is no name of a user`);
  const until = since + span;
  await suspend(state, queue, { user: name, since, until, by, why, recordId: '' });
  log.warn('user.suspended', { user: name, by, why, until: new Date(until).toISOString() });
}

async function lifted(
  { state, queue, clock, log }: Steered,
  { user, by }: { user: string; by: string },
): Promise<void> {
  const name = sameUser(user) ?? user;
  if (!(await lift(state, queue, name, clock.now())))
    throw new RangeError(`${name} is not suspended; \`postern suspension list\` says who is`);
  log.warn('user.resumed', { user: name, by });
}

const digestStatus = ({ address, status: { next, last } }: Pick<Digests, 'address' | 'status'>) => ({
  address,
  next: next ?? null,
  last: last ?? null,
});
