/** The doctor's instruments, taken from the real world. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Directory } from '../adapters/auth/ldap-directory.ts';
import { controlLine } from '../adapters/control/client.ts';
import { DnsClient } from '../adapters/dns/client.ts';
import { readSecretAt } from '../adapters/files/secret-at.ts';
import { readSecret } from '../adapters/files/secret-file.ts';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { dialSocket } from '../adapters/net/dial.ts';
import { ServiceClients } from '../adapters/services/service-clients.ts';
import { readSigningKey } from '../adapters/signing/read-signing-key.ts';
import { storePaths } from '../adapters/sqlite/paths.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { silentLog } from '../adapters/system/log.ts';
import { timeKept } from '../adapters/system/time-kept.ts';
import { identityNow } from '../adapters/tls/client-identities.ts';
import { readPair } from '../adapters/tls/read-pair.ts';
import type { Sound } from '../cli/world.ts';
import type { Installation } from '../config/installation.ts';
import { keyedResolver } from '../gateway/dns/keyed-zones.ts';
import { examine, type Found } from '../gateway/doctor/examine.ts';
import { outwardHost } from '../gateway/doctor/hosts.ts';
import type { Practice } from '../gateway/doctor/practice.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import { seconds } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import { configure } from './configure.ts';
import { fingerprint } from './fingerprint.ts';
import { readZones } from './read-zones.ts';
import { nobody, recipientClient } from './recipient-clients.ts';
import { freeBytes, visitStore } from './store-visit.ts';
import { version } from './version.ts';

/** The gateway answers from memory. */
const STATUS_WITHIN = seconds(5);
/** As many as tell what is usual now. */
const RECENT = 500;

export async function examined(
  { installation, policies: byName }: Sound,
  { offline, outwards }: { readonly offline: boolean; readonly outwards: string },
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { servers, timeout } = installation.dns;
  const policies = [...byName.values()];
  const services = new ServiceClients(systemClock, () => {});
  const resolver = new DnsClient({ servers, timeout, elapsed: systemClock.elapsed, log: silentLog });
  try {
    const { path } = installation.store;
    const status = AbortSignal.any([signal, AbortSignal.timeout(STATUS_WITHIN)]);
    const gateway = await controlLine(path).ask({ verb: 'status' }, status);
    const overrides = gateway.kind === 'answered' ? gateway.answer.status.overrides : [];
    const identityOf = identityNow(systemClock.now);
    const practice: Practice = {
      installation,
      policies,
      resolver: keyed(resolver, installation.policiesDir, policies),
      dial: dialSocket,
      services: services.of(installation.services),
      recipientClient: (source) => recipientClient(source, installation.hostname, identityOf),
      askUsers,
      identityOf,
      nobody,
      outwards: outwards === '' ? '' : outwardHost(outwards),
      modeOf,
      pair: ({ certificate, key }) => readPair(certificate, key, systemClock.now()),
      signingKey: (file) => readSigningKey(file).reading,
      timeKept,
      freeBytes: freeBytes(path),
      ...(await inStore(installation)),
      gateway,
      onDisk: { version: version(), configuration: onDisk(installation.file, overrides) },
      now: systemClock.now(),
      signal,
    };
    return await examine(practice, offline);
  } finally {
    resolver.close();
    services.close();
  }
}

/** A key that cannot be read makes its questions fail, rather than go out under the name that is shown. */
function keyed(resolver: DnsClient, folder: string, policies: Practice['policies']): Practice['resolver'] {
  const zones = new Map([
    ...readZones(folder, policies, undefined).zones,
    ...readZones(folder, policies, readSecret).zones,
  ]);
  return keyedResolver(resolver, () => zones);
}

/** As a reload would read it now, under the overrides that are in force anyway; '' where it would not load. */
function onDisk(file: string, overrides: readonly Override[]): string {
  const lists = new RecipientLists(watchedFiles(), silentLog);
  const { current } = configure(file, systemClock, lists, () => overrides, 'leave');
  return current === undefined ? '' : fingerprint(current);
}

const askUsers: Practice['askUsers'] = async (source, server, within) => {
  const password = source.password && readSecretAt(source.password);
  if (password?.kind === 'wrong') return { kind: 'trouble', why: `its password cannot be had: ${password.why}` };
  const directory = new Directory({ ...source, servers: [server] }, () => password?.text);
  return directory.probe(within, nobody()).then(
    (kind) => ({ kind }),
    (error: unknown) => ({ kind: 'trouble', why: error instanceof Error ? error.message : String(error) }),
  );
};

const modeOf: Practice['modeOf'] = (path) =>
  stat(path).then(
    ({ mode }) => mode,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return 'absent';
      if (error.code === 'EACCES') return 'hidden';
      throw error;
    },
  );

/** A store that was never made has none. */
async function inStore(installation: Installation): Promise<Pick<Practice, 'recent' | 'heldBytes' | 'storeTrouble'>> {
  if (!existsSync(storePaths(installation.store.path).queue))
    return { recent: [], heldBytes: undefined, storeTrouble: '' };
  try {
    const store = await visitStore(installation);
    try {
      const recent = await store.records.search({ limit: RECENT });
      return { recent, heldBytes: (await store.queue.weigh()).octets, storeTrouble: '' };
    } finally {
      await store.close();
    }
  } catch (error) {
    const storeTrouble = error instanceof Error ? error.message : String(error);
    return { recent: [], heldBytes: undefined, storeTrouble };
  }
}
