/** This machine: folders that others could read, room on the disk, the clock. */
import { minutes, sayDuration } from '../../mail/time.ts';
import { FILL_MAX } from '../quarantine/keep.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import type { Practice } from './practice.ts';

const GROUP_OR_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o002;

export async function examineFolders({ installation, modeOf, storeTrouble }: Practice): Promise<readonly Finding[]> {
  const { store, policiesDir, file } = installation;
  const findings: Finding[] = [];
  const mode = await modeOf(store.path);
  if (mode === 'absent')
    findings.push(warning('store', `${store.path} is not there yet`, 'it is made when the gateway starts'));
  else if (mode === 'hidden')
    findings.push(problem('store', `${store.path} is out of this user's reach`, "run this as the gateway's user"));
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
  if (storeTrouble !== '') findings.push(problem('store', storeTrouble, "run this as the gateway's user"));
  for (const path of [file, policiesDir]) {
    const bits = await modeOf(path);
    if (typeof bits === 'number' && (bits & WRITABLE_BY_OTHERS) !== 0)
      findings.push(problem('folders', `everybody can write to ${path} (${octal(bits)})`, `chmod o-w ${path}`));
  }
  return findings;
}

export async function examineRoom({ installation, freeBytes }: Practice): Promise<readonly Finding[]> {
  const { path, minFreeBytes } = installation.store;
  if (freeBytes === undefined) return [];
  const free = `${sayOctets(freeBytes)} free where ${path} lies, ${sayOctets(minFreeBytes)} must be (store.min_free)`;
  if (freeBytes < minFreeBytes) return [problem('room', free, 'make room: mail is answered 451 until there is')];
  return [freeBytes < 2 * minFreeBytes ? warning('room', free, 'make room soon') : ok('room', free)];
}

/** Near its limit spam and bulk make room by themselves; at it, what would be kept aside is answered 452. */
export async function examineQuarantine({ installation, heldBytes }: Practice): Promise<readonly Finding[]> {
  const { quarantine, records } = installation;
  const longest = Math.max(...Object.values(quarantine.retention));
  const untold =
    longest > records.retention
      ? [
          warning(
            'quarantine',
            `messages are kept aside for ${sayDuration(longest)}, their records for ${sayDuration(records.retention)}: who released or deleted them later is on no record`,
            'raise records.retention, or lower quarantine.retention',
          ),
        ]
      : [];
  if (heldBytes === undefined) return untold;
  const held = `${sayOctets(heldBytes)} are kept aside, ${sayOctets(quarantine.maxBytes)} may be (quarantine.max_size)`;
  if (heldBytes <= quarantine.maxBytes * FILL_MAX) return [...untold, ok('quarantine', held)];
  const remedy = 'release or delete what is held, or raise quarantine.max_size';
  return [
    ...untold,
    heldBytes < quarantine.maxBytes ? warning('quarantine', held, remedy) : problem('quarantine', held, remedy),
  ];
}

/** A record from the future: the clock was set back since. Whether it is right, whoever keeps it knows. */
export async function examineClock({ now, recent, timeKept, signal }: Practice): Promise<readonly Finding[]> {
  const newest = recent[0]?.at;
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  if (newest !== undefined && newest > now + minutes(1))
    return [
      problem(
        'clock',
        `it is ${time}, and the newest record is of ${sayDuration(newest - now)} later`,
        'the clock was set back: see timedatectl; ids and retries go by it',
      ),
    ];
  const kept = await timeKept(signal);
  switch (kept.kind) {
    case 'kept':
      return [ok('clock', `${time}, kept by a time server`)];
    case 'adrift':
      return [
        warning(
          'clock',
          `${time}, and no time server keeps it`,
          'timedatectl set-ntp true, or install chrony: signatures, certificates and retries go by the clock',
        ),
      ];
    case 'unknown':
      return [info('clock', `${time}; whether it is right cannot be told here: ${kept.why}`)];
  }
}

export const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');
const sayOctets = (octets: number): string =>
  octets < 1024 ** 3 ? `${Math.round(octets / 1024 ** 2)} MiB` : `${(octets / 1024 ** 3).toFixed(1)} GiB`;
