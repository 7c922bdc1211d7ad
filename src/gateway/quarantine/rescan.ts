/** A second look before a held message is given back: signatures have grown since it was held. */
import { createHash } from 'node:crypto';
import { scanMessage } from '../../checks/virus-scan.ts';
import { type Millis, minutes } from '../../mail/time.ts';
import { Walk } from '../../mime/walk.ts';
import type { QueueStore } from '../../ports/queue.ts';
import type { VirusScanner } from '../../ports/services.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { leaving } from '../deliver.ts';

export type Rescan =
  /** No scanner is configured. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'clean' }
  | { readonly kind: 'infected'; readonly signature: string }
  /** The scanner's own limits: it did not see all of it. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'failed'; readonly why: string };

/** As long as clamd's own default for one file (`MaxScanTime` 120 s), with the octets on their way. */
const SCAN_MAX: Millis = minutes(3);

/** What would be delivered, as it leaves and each of its parts. Never rejects but when `signal` is aborted. */
export async function rescan(
  scanner: VirusScanner | undefined,
  entry: QueueEntry,
  queue: Pick<QueueStore, 'read'>,
  signal: AbortSignal,
): Promise<Rescan> {
  if (scanner === undefined) return { kind: 'unasked' };
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(SCAN_MAX)]);
  try {
    const open = (until: AbortSignal) => leaving(entry, (ref, stop) => queue.read(ref, stop), until);
    const walk = new Walk();
    const hash = createHash('sha256');
    for await (const chunk of open(bounded)) {
      walk.write(chunk);
      hash.update(chunk);
    }
    const content = { sha256: hash.digest('hex'), open };
    const { result, signature } = await scanMessage({ content, inside: walk.end() }, scanner, true, bounded);
    return result === 'infected' ? { kind: result, signature } : { kind: result };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

/** Entries that leave with the same octets share one look. */
export const sameOctets = ({ contentRef, prefix, edits }: QueueEntry): string =>
  JSON.stringify([contentRef, prefix, edits]);
