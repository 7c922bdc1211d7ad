/** Reads everything an operator wrote, installation and policies, into one configuration that can be put in force, or into all that is wrong. */
import { join, relative, resolve } from 'node:path';
import type { FileTrouble } from '../adapters/auth/login-sources.ts';
import { policyFolder } from '../adapters/files/policy-files.ts';
import { CHECKS } from '../checks/registry.ts';
import { installationView } from '../config/bundle-view.ts';
import type { Installation } from '../config/installation.ts';
import { loadInstallation } from '../config/load-installation.ts';
import type { LiveSources } from '../gateway/live-desk.ts';
import type { RecipientLists } from '../gateway/recipient-list.ts';
import { recipientDirectory } from '../gateway/recipients.ts';
import { unconfigured } from '../gateway/unconfigured.ts';
import type { Current } from '../gateway/world.ts';
import type { Problem } from '../language/problem.ts';
import { parseSource } from '../language/source.ts';
import type { InstallationView } from '../policy/bundle.ts';
import { readerOf } from '../policy/bundle-files.ts';
import { loadPolicy, undeclaredSettings } from '../policy/load-policy.ts';
import type { PolicyReader } from '../policy/loading.ts';
import type { Override } from '../policy/override.ts';
import type { Policy } from '../policy/policy.ts';
import { SERVICES, type ServiceName } from '../policy/services.ts';
import type { Clock } from '../ports/clock.ts';
import type { Services } from '../ports/services.ts';
import { keeping, onDisk, type Snapshot, told } from './disk.ts';
import { readSrs } from './read-srs.ts';
import { readZones } from './read-zones.ts';
import { readSecrets, type Secrets, withPasswords } from './secrets.ts';
import { sha256 } from './sha256.ts';
import { userTroubles } from './user-troubles.ts';

export interface Configured {
  /** Undefined where there is any error. */
  readonly current: Current | undefined;
  /** Also where the policies have errors: enough to find the store. */
  readonly installation: Installation | undefined;
  readonly problems: readonly Problem[];
  /** Written rightly, not to be had yet, or resting on a service that is not configured: `serve` refuses to start. */
  readonly notYet: readonly Problem[];
  /** What the files said: with it another thread comes to the same. */
  readonly snapshot: Snapshot;
  /** Once `current` is in force: closes lists that only the one before needed. */
  takeOver(): void;
}

/** Overrides in force on the store of this installation. */
export type OverridesOf = (installation: Installation) => readonly Override[];

/**
 * `lists` outlive a configuration: a reload keeps the last good addresses. Without `overrides`: the policies as they are written.
 * `leave`: files of secrets and keys are not touched. With `from`, nothing is read from disk but the lists of recipients.
 */
export function configure(
  file: string,
  clock: Clock,
  lists: RecipientLists,
  overridesOf: OverridesOf = () => [],
  secrets: 'read' | 'leave' = 'read',
  from?: Snapshot,
  services: ServiceHouse = NO_SERVICES,
  desk: LiveSources = NO_DESK,
  logins: LoginHouse = NO_LOGINS,
): Configured {
  const snapshot = new Map<string, unknown>(from);
  const disk = from === undefined ? keeping(onDisk(clock.now, secrets === 'read'), snapshot) : told(from);
  const loaded = loadInstallation(resolve(file), disk.files);
  const { installation: written } = loaded;
  const secret = secrets === 'read' ? disk.secret : undefined;
  if (written === undefined)
    return { ...loaded, installation: undefined, snapshot, current: undefined, takeOver: () => {} };
  const passwords = readSecrets(written, secret);
  const installation = withPasswords(written, passwords);

  const folder = { ...disk.folder(installation.policiesDir), name: shown(installation.policiesDir) };
  const problems: Problem[] = [...loaded.problems, ...passwords.problems];
  const overrides = overridesOf(installation);
  const found = new Map<string, Policy>();
  for (const path of folder.glob('*.yaml')) {
    const { policy, problems: wrong } = loadPolicy({
      files: folder,
      path,
      catalog: CHECKS,
      installation: installationView(installation),
      overrides,
      routes: [...installation.routes.keys()],
      digest,
    });
    problems.push(...wrong);
    if (policy === undefined) continue;
    const other = found.get(policy.name);
    if (other === undefined) found.set(policy.name, policy);
    else problems.push(takenName(folder, policy, other));
  }
  problems.push(...misnamed(folder, installation, found));
  // A policy that did not load declares nothing: what it would have declared is not held against the domains.
  if (!problems.some((problem) => problem.severity === 'error'))
    problems.push(...undeclaredSettings([...found.values()], installationView(installation)));
  const { zones, problems: unnamed } = readZones(installation.policiesDir, found.values(), secret);
  const { srs, problems: unkeyed } = readSrs(installation, secret);
  problems.push(...unnamed, ...unkeyed);
  const opened = logins.of(installation.users, passwords.textOf);
  if (secrets === 'read' && from === undefined) problems.push(...userTroubles(opened.troubles));
  const notYet = [...loaded.notYet, ...unconfigured(installation, found, CHECKS)];
  const broken = problems.some((problem) => problem.severity === 'error');
  if (!broken) lists.storeIs(installation.store.path);
  const sources = broken ? undefined : recipientDirectory(installation, lists, clock, desk);
  const directory = sources && lists.aliases.directory(sources, installation, srs, clock);
  const current = directory && {
    installation,
    policies: found,
    directory,
    srs,
    zones,
    logins: opened.sources,
    services: services.of(installation.services),
  };
  const takeOver = (): void => {
    sources?.takeOver();
    directory?.takeOver();
    services.only(installation.services);
    logins.only(installation.users, passwords.textOf);
  };
  return { current, installation, problems, snapshot, notYet, takeOver };
}

/** Clients of the services, which outlive a configuration: `only` once what is wanted is in force. */
export interface ServiceHouse {
  of(settings: Installation['services']): Services;
  only(settings: Installation['services']): void;
}

/** Of whoever reads a configuration and asks nobody. */
const NO_DESK: LiveSources = {
  open: () => {},
  keep: () => {},
  ask: async () => ({ result: 'unsure', by: 'on_error' }),
};

/** Sources of users, which outlive a configuration as the services do. */
export interface LoginHouse {
  of(
    settings: Installation['users'],
    textOf: Secrets['textOf'],
  ): { readonly sources: Current['logins']; readonly troubles: readonly FileTrouble[] };
  only(settings: Installation['users'], textOf: Secrets['textOf']): void;
}

const NO_LOGINS: LoginHouse = { of: () => ({ sources: new Map(), troubles: [] }), only: () => {} };
const NO_SERVICES: ServiceHouse = { of: () => ({}), only: () => {} };

/** Names of files of a bundle that are lists: they are put in force by themselves, the policy's own words are not. */
export const listFiles = ({ bundle }: Policy): readonly string[] =>
  bundle.files.map(({ path }) => path).filter((path) => !/\.ya?ml$/i.test(path));

export interface Refreshed extends Pick<Configured, 'problems'> {
  readonly policies: ReadonlyMap<string, Policy>;
}

/** The policies in force as they would be with their lists as they stand on disk: whatever else was edited waits for a reload. */
export function withFreshLists(current: Current): Refreshed {
  const folder = policyFolder(current.installation.policiesDir);
  return refreshed(current, ({ bundle }) => bundle.overrides ?? [], folder.read);
}

/** The policies in force with other overrides, and nothing else that is new. */
export const underOverrides = (current: Current, overrides: readonly Override[]): Refreshed =>
  refreshed(current, () => overrides, undefined);

/** The policies in force as they would be if these services, too, were configured. */
export const underServices = (current: Current, names: readonly ServiceName[]): Refreshed =>
  refreshed(
    current,
    ({ bundle }) => bundle.overrides ?? [],
    undefined,
    (view) => ({ ...view, services: SERVICES.filter((name) => names.includes(name) || view.services?.includes(name)) }),
  );

function refreshed(
  { installation, policies }: Current,
  overridesOf: (policy: Policy) => readonly Override[],
  readList: PolicyReader['read'] | undefined,
  viewOf: (view: InstallationView) => InstallationView = (view) => view,
): Refreshed {
  const problems: Problem[] = [];
  const found = new Map<string, Policy>();
  for (const old of policies.values()) {
    const kept = readerOf(old.bundle);
    const lists = new Set(listFiles(old));
    const { policy, problems: wrong } = loadPolicy({
      files: {
        ...kept,
        name: shown(installation.policiesDir),
        read: (path) => (readList !== undefined && lists.has(path) ? readList(path) : kept.read(path)),
      },
      path: old.bundle.files[0]?.path ?? '',
      catalog: CHECKS,
      installation: viewOf(old.bundle.installation),
      overrides: overridesOf(old),
      routes: [...installation.routes.keys()],
      digest,
    });
    problems.push(...wrong);
    found.set(old.name, policy ?? old);
  }
  return { policies: found, problems };
}

/** Which of the two would decide could only be guessed. */
function takenName(folder: PolicyReader, policy: Policy, other: Policy): Problem {
  const taken = `the policy "${policy.name}" stands in ${folder.name}/${other.bundle.files[0]?.path} already`;
  return nameProblem(folder, policy, taken, 'give this one a name of its own, the name of its file');
}

/** A listener finds its policy by file and opens it by name: they must be one. */
function misnamed(
  folder: PolicyReader,
  { listeners }: Installation,
  found: ReadonlyMap<string, Policy>,
): readonly Problem[] {
  const wanted = new Set(listeners.map(({ policy }) => policy).filter((name) => !found.has(name)));
  return [...found.values()].flatMap((policy) => {
    const name = policy.bundle.files[0]?.path.replace(/\.yaml$/, '') ?? '';
    if (!wanted.has(name)) return [];
    const message = `listeners name the policy "${name}", and this file calls itself "${policy.name}"`;
    return [nameProblem(folder, policy, message, `write \`policy: ${name}\``)];
  });
}

function nameProblem(folder: PolicyReader, policy: Policy, message: string, remedy: string): Problem {
  const { path, text } = policy.bundle.files[0] ?? { path: '', text: '' };
  const place = parseSource(`${folder.name}/${path}`, text).place(['policy'], 'value');
  return { place, severity: 'error', message, remedy, excerpt: text.split('\n')[place.line - 1] ?? '' };
}

/** A folder as a person here would name it. */
function shown(folder: string): string {
  const near = relative(process.cwd(), folder);
  return near === '' || near.startsWith('..') ? folder : near;
}

/** SHA-256, the first 32 hex digits: what addresses a bundle. */
export const digest = (text: string): string => sha256(text).slice(0, 32);

export const pidFile = (installation: Installation): string => join(installation.store.path, 'postern.pid');
