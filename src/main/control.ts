/** What a person's commands may do to the running gateway: reload, drain, brake, and ask how it is. */
import { serveControl } from '../adapters/control/server.ts';
import { overrideFile } from '../adapters/files/override-file.ts';
import type { ServiceHealth } from '../gateway/service-health.ts';
import type { Current } from '../gateway/world.ts';
import type { Problem } from '../language/problem.ts';
import type { Override } from '../policy/override.ts';
import { SERVICES } from '../policy/services.ts';
import type { Clock } from '../ports/clock.ts';
import type { ControlAnswer, ControlAsk, GatewayStatus } from '../ports/control.ts';
import type { Log } from '../ports/log.ts';
import type { SourceStatus } from '../ports/recipients.ts';
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
  readonly recipients: { status(): readonly SourceStatus[] };
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
      sources: steered.recipients.status(),
      digest: steered.digests === undefined ? null : digestStatus(steered.digests),
      overrides: inForceAt(overrides.list, clock.now()),
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

const digestStatus = ({ address, status: { next, last } }: Pick<Digests, 'address' | 'status'>) => ({
  address,
  next: next ?? null,
  last: last ?? null,
});
