/** Messages kept aside in a memory store, and a scanner that says what the test wants. */
import { memoryStore } from '../../src/adapters/memory/store.ts';
import type { QuarantineItem } from '../../src/ports/queue.ts';
import type { VirusScanner, VirusVerdict } from '../../src/ports/services.ts';
import type { Store } from '../../src/ports/store.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { octetsOf, sampleEntry, sampleId, sampleItem, sampleRecord, spool } from './samples.ts';

export const LETTER = 'Subject: held\r\n\r\nhello\r\n';

/** One message for these recipients, all kept aside; `n` draws its id. */
export async function hold(
  store: Store,
  n: number,
  changes: Partial<QuarantineItem> = {},
  recipients: readonly string[] = ['bob@example.com'],
  entry: Partial<QueueEntry> = {},
  text = LETTER,
): Promise<readonly QuarantineItem[]> {
  const id = sampleId(changes.at, n);
  const content = await spool(store.content, text);
  const quarantine = recipients.map((recipient, at) =>
    sampleItem(
      sampleEntry(id, content.ref, { id: `${id}.${at + 1}`, recipient, contentSize: content.size, ...entry }),
      changes,
    ),
  );
  await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine });
  return quarantine;
}

export const held = async (n: number, changes: Partial<QuarantineItem> = {}, recipients?: readonly string[]) => {
  const store = memoryStore();
  return { store, items: await hold(store, n, changes, recipients) };
};

export interface SayingScanner extends VirusScanner {
  /** What it was given, as text. */
  readonly given: string[];
}

export function scannerSaying(says: VirusVerdict | Error): SayingScanner {
  const given: string[] = [];
  return {
    given,
    scan: async ({ octets }) => {
      given.push((await octetsOf(octets)).toString('latin1'));
      if (says instanceof Error) throw says;
      return says;
    },
    version: async () => 'test',
    probe: async () => 'test',
  };
}
