/** The whole examination: every part at once, told in the same order each time. */
import { type Finding, type Practice, problem } from './finding.ts';
import { examineListeners, examineOutwards, examineRoutes } from './hosts.ts';
import { examineClock, examineFolders, examineRoom } from './machine.ts';
import { examineMx, examineReverse, examineSpf } from './names.ts';
import { examineBlocklists, examineResolver } from './resolver.ts';

const PARTS = {
  folders: examineFolders,
  room: examineRoom,
  clock: examineClock,
  resolver: examineResolver,
  ptr: examineReverse,
  mx: examineMx,
  spf: examineSpf,
  blocklists: examineBlocklists,
  route: examineRoutes,
  listener: examineListeners,
  'port 25': examineOutwards,
} as const;

/** What goes beyond this machine's own network. */
const OUTSIDE: readonly string[] = ['ptr', 'mx', 'spf', 'blocklists', 'port 25'];

/** One part that breaks is a finding, and hides none of the others. */
export async function examine(practice: Practice, offline: boolean): Promise<readonly Finding[]> {
  const found = await Promise.all(
    Object.entries(PARTS)
      .filter(([topic]) => !offline || !OUTSIDE.includes(topic))
      .map(([topic, part]) =>
        part(practice).catch((error: unknown) => [
          problem(topic, `could not be looked at: ${String(error)}`, 'this is a fault of ours: report it'),
        ]),
      ),
  );
  return found.flat();
}
