/** The whole examination: every part at once, each within its time, told in the same order each time. */
import { clean } from '../../mail/reply.ts';
import { type Millis, seconds } from '../../mail/time.ts';
import { examineFiles } from './certificate.ts';
import { examineDkim } from './dkim.ts';
import { type Finding, problem, warning } from './finding.ts';
import { examineClients, examineCrowd, examineGateway } from './gateway.ts';
import { examineOutwards, examineRoutes } from './hosts.ts';
import { examineListeners } from './listeners.ts';
import { examineClock, examineFolders, examineQuarantine, examineRoom } from './machine.ts';
import { examineMx, examineReverse } from './names.ts';
import type { Practice } from './practice.ts';
import { examineRecipients } from './recipients.ts';
import { examineBlocklists, examineResolver, examineValidation } from './resolver.ts';
import { examineSecrets } from './secrets.ts';
import { examineServices } from './services.ts';
import { examineSpf } from './spf.ts';
import { examineTlsa } from './tlsa.ts';
import { examineUsers } from './users.ts';

export interface Found extends Finding {
  readonly group: string;
}

interface Part {
  readonly topic: string;
  /** Goes beyond this machine's own network. */
  readonly outside?: true;
  readonly look: (practice: Practice) => Promise<readonly Finding[]>;
}

const GROUPS: { readonly [group: string]: readonly Part[] } = {
  machine: [
    { topic: 'store', look: examineFolders },
    { topic: 'secrets', look: examineSecrets },
    { topic: 'room', look: examineRoom },
    { topic: 'quarantine', look: examineQuarantine },
    { topic: 'clock', look: examineClock },
  ],
  gateway: [
    { topic: 'gateway', look: examineGateway },
    { topic: 'clients', look: examineClients },
    { topic: 'crowd', look: examineCrowd },
  ],
  resolver: [
    { topic: 'resolver', look: examineResolver },
    { topic: 'resolver', outside: true, look: examineValidation },
    { topic: 'blocklists', outside: true, look: examineBlocklists },
  ],
  services: [{ topic: 'services', look: examineServices }],
  recipients: [{ topic: 'recipients', look: examineRecipients }],
  users: [{ topic: 'users', look: examineUsers }],
  names: [
    { topic: 'ptr', outside: true, look: examineReverse },
    { topic: 'mx', outside: true, look: examineMx },
    { topic: 'spf', outside: true, look: examineSpf },
    { topic: 'dkim', outside: true, look: examineDkim },
  ],
  tls: [
    { topic: 'certificate', look: examineFiles },
    { topic: 'listener', look: examineListeners },
    { topic: 'tlsa', outside: true, look: examineTlsa },
  ],
  hosts: [
    { topic: 'route', look: examineRoutes },
    { topic: 'port 25', outside: true, look: examineOutwards },
  ],
};

/** A person waits: what has not answered by then does not answer in time for mail either. */
const WITHIN = seconds(10);
/** For a part to tell what it has, when its time is over. */
const GRACE = seconds(1);
/** Of what is told of one thing; it may be somebody else's text. */
const TEXT_MAX = 400;

/** One part that breaks or hangs is a finding, and hides none of the others. */
export async function examine(practice: Practice, offline: boolean, within = WITHIN): Promise<readonly Found[]> {
  const signal = AbortSignal.any([practice.signal, AbortSignal.timeout(within)]);
  const found = await Promise.all(
    Object.entries(GROUPS).map(async ([group, parts]) => {
      const findings = await Promise.all(
        parts
          .filter(({ outside }) => !offline || outside !== true)
          .map((part) => lookAt(part, { ...practice, signal }, within)),
      );
      return findings
        .flat()
        .map((one) => ({ ...one, group, saw: clean(one.saw, TEXT_MAX), remedy: clean(one.remedy, TEXT_MAX) }));
    }),
  );
  return found.flat();
}

function lookAt({ topic, look }: Part, practice: Practice, within: Millis): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<readonly Finding[]>((resolve) => {
    const late = warning(topic, 'this could not be looked at in time', 'look again; is a disk or a host stuck?');
    timer = setTimeout(() => resolve([late]), within + GRACE);
  });
  const looked = look(practice).catch((error: unknown) => [
    problem(topic, `could not be looked at: ${String(error)}`, 'this is a fault of ours: report it'),
  ]);
  return Promise.race([looked, tooLong]).finally(() => clearTimeout(timer));
}
