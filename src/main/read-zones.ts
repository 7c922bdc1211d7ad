/** The zones with keys that policies name by file: read once a configuration, kept nowhere but in memory. */
import { resolve } from 'node:path';
import type { SecretText } from '../adapters/files/secret-file.ts';
import { type KeyedZone, type KeyedZones, readKeyedZone } from '../gateway/dns/keyed-zones.ts';
import type { Problem } from '../language/problem.ts';
import { questionName } from '../mail/dns-name.ts';
import type { Policy, Secret } from '../policy/policy.ts';

export interface ZonesRead {
  readonly zones: KeyedZones;
  readonly problems: readonly Problem[];
}

/** Without `readFile` the files are not touched, and questions below these zones fail rather than go out under a wrong name. */
export function readZones(
  folder: string,
  policies: Iterable<Policy>,
  readFile: ((path: string) => SecretText) | undefined,
): ZonesRead {
  const zones = new Map<string, KeyedZone>();
  const problems: Problem[] = [];
  for (const secret of [...policies].flatMap((policy) => policy.secrets)) {
    const shown = questionName(secret.shownAs) ?? '';
    if (readFile === undefined) {
      zones.set(shown, { zone: undefined, asks: asksOf(secret, zones.get(shown)) });
      continue;
    }
    const file = readFile(resolve(folder, secret.file));
    const read = file.kind === 'wrong' ? file : readKeyedZone(file.text, shown, secret.asks);
    if (read.kind === 'wrong')
      problems.push(problemAt(secret, `${nameOf(secret, file)} cannot be taken: ${read.why}`, read.remedy));
    else if ((zones.get(shown)?.zone ?? read.zone) !== read.zone)
      problems.push(
        problemAt(secret, `"${shown}" is shown for another zone already`, 'give each zone a `shown_as` of its own'),
      );
    else zones.set(shown, { zone: read.zone, asks: asksOf(secret, zones.get(shown)) });
  }
  return { zones, problems };
}

/** Where there is no such file, the zone itself may have been written in its place. */
const nameOf = ({ file }: Secret, read: SecretText): string =>
  `the file of secrets${read.kind === 'wrong' && read.absent === true ? '' : ` ${file}`}`;

/** A zone of names answers for addresses too (SURBL): their labels are names. */
const asksOf = ({ asks }: Secret, before: KeyedZone | undefined): KeyedZone['asks'] =>
  before?.asks === 'names' ? 'names' : asks;

const problemAt = ({ place }: Secret, message: string, remedy: string): Problem => ({
  place,
  severity: 'error',
  message,
  remedy,
  excerpt: '',
});
