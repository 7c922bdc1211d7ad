/** This machine: folders that others could read, room on the disk, the clock. */
import { folderOf } from '../../config/paths.ts';
import { minutes } from '../../mail/time.ts';
import { type Finding, ok, type Practice, problem, warning } from './finding.ts';

const OTHERS = 0o007;
const GROUP_OR_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o002;

export async function examineFolders({ installation, modeOf }: Practice): Promise<readonly Finding[]> {
  const { store, policiesDir, file } = installation;
  const findings: Finding[] = [];
  const mode = await modeOf(store.path);
  if (mode === undefined)
    findings.push(warning('store', `${store.path} is not there yet`, 'it is made when the gateway starts'));
  else
    findings.push(
      (mode & GROUP_OR_OTHERS) === 0
        ? ok('store', `${store.path} is its owner's alone`)
        : problem(
            'store',
            `${store.path} is open to others (${octal(mode)}): mail lies in it`,
            `chmod 700 ${store.path}`,
          ),
    );
  for (const path of [file, policiesDir]) {
    const bits = await modeOf(path);
    if (bits !== undefined && (bits & WRITABLE_BY_OTHERS) !== 0)
      findings.push(problem('folders', `everybody can write to ${path} (${octal(bits)})`, `chmod o-w ${path}`));
  }
  const secrets = `${folderOf(file)}/secrets`;
  const bits = await modeOf(secrets);
  if (bits !== undefined)
    findings.push(
      (bits & OTHERS) === 0
        ? ok('secrets', `${secrets} is closed to others`)
        : problem('secrets', `${secrets} is open to others (${octal(bits)})`, `chmod o-rwx ${secrets}`),
    );
  return findings;
}

export async function examineRoom({ installation, freeBytes }: Practice): Promise<readonly Finding[]> {
  const { path, minFreeBytes } = installation.store;
  if (freeBytes === undefined) return [];
  const free = `${mebibytes(freeBytes)} free where ${path} lies, ${mebibytes(minFreeBytes)} must be (store.min_free)`;
  if (freeBytes < minFreeBytes) return [problem('room', free, 'make room: mail is answered 451 until there is')];
  return [freeBytes < 2 * minFreeBytes ? warning('room', free, 'make room soon') : ok('room', free)];
}

/** A record from the future: the clock was set back since. Nobody else is asked for the time. */
export async function examineClock({ now, newest }: Practice): Promise<readonly Finding[]> {
  if (newest !== undefined && newest > now + minutes(1))
    return [
      problem(
        'clock',
        `the newest record is of ${new Date(newest).toISOString()}, and it is ${new Date(now).toISOString()} here`,
        'the clock was set back: see timedatectl; ids and retries go by it',
      ),
    ];
  return [
    ok(
      'clock',
      `${new Date(now).toISOString()}, not before the newest record; compared with nobody else's (timedatectl does)`,
    ),
  ];
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');
const mebibytes = (octets: number): string => `${Math.round(octets / 1024 ** 2)} MiB`;
