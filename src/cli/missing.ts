/** Ids that somebody wrote and nothing was found for: each is told, with where to look, and none passes in silence. */
import type { QuarantineItem, QueueStore } from '../ports/queue.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { terminal } from '../record/terminal.ts';
import { FINE, NO } from './command.ts';
import type { CliWorld } from './world.ts';

export type Named = Pick<QueueEntry, 'id' | 'recordId'>;

/** In the order written, each once. */
export function missingOf(ids: readonly string[], found: readonly Named[]): readonly string[] {
  const known = new Set(found.flatMap(({ id, recordId }) => [id, recordId]));
  return [...new Set(ids.map((written) => written.trim().toLowerCase()))].filter((id) => !known.has(id));
}

/** Of the quarantine, on standard error: what is printed stays what was found. Answers the exit status it comes to. */
export async function tellMissing(world: CliWorld, ids: readonly string[], found: readonly Named[]): Promise<number> {
  const missing = missingOf(ids, found);
  if (missing.length === 0) return FINE;
  const told = missing.map((id) => `postern: ${id} is not in quarantine${elsewhere(id)}`);
  await world.err(terminal(told));
  return NO;
}

const elsewhere = (id: string): string =>
  `, or not with these options; \`postern trace ${id}\` tells what became of it`;

/** What is kept aside is no entry of the queue: whoever takes it for one is shown the way. */
export async function sayNotQueued(
  missing: readonly string[],
  queue: Pick<QueueStore, 'quarantined'>,
): Promise<readonly string[]> {
  const held: QuarantineItem[] = [];
  for (const id of missing)
    held.push(...(await queue.quarantined({ ...(id.includes('.') ? { ids: [id] } : { recordId: id }), limit: 1 })));
  const aside = new Set(held.flatMap(({ id, entry }) => [id, entry.recordId]));
  return missing.map((id) =>
    aside.has(id)
      ? `postern: ${id} is in quarantine, not in the queue: see \`postern quarantine show ${id}\``
      : `postern: ${id} is not in the queue${elsewhere(id)}`,
  );
}

/** Hands pages on, and keeps what was in them, as far as anybody asked for it by name: of a million that are listed nothing is kept. */
export async function* noting<T extends Named>(
  pages: AsyncIterable<readonly T[]>,
  seen: Named[],
  named: readonly string[],
): AsyncIterable<readonly T[]> {
  for await (const page of pages) {
    if (named.length > 0) seen.push(...page.map(({ id, recordId }) => ({ id, recordId })));
    yield page;
  }
}
