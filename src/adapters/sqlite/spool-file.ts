/** Files of the spool: read in pieces, synced with their folder, removed. */
import { open, rm } from 'node:fs/promises';

const READ_OCTETS = 64 * 1024;

/**
 * In a buffer that is used again for each piece. Left to the collector, a large message is in memory with all its octets: it
 * does not look at buffers before there are tens of megabytes of them.
 */
export async function* readSpoolFile(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const handle = await open(file, 'r');
  try {
    const buffer = new Uint8Array(READ_OCTETS);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_OCTETS, null);
      if (bytesRead === 0) return;
      signal.throwIfAborted();
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** What cannot be removed now is swept at the next start. */
export async function forget(file: string): Promise<void> {
  await rm(file, { force: true }).catch(alreadyLost);
}

/** The file was to be thrown away: that the disk would not have it either changes nothing. */
export const alreadyLost = (): void => {};
