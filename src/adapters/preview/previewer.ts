/** Previews held messages in a thread of their own, so that no message can do more than fail to be shown. */
import { Worker } from 'node:worker_threads';
import { type Millis, sayDuration, seconds } from '../../mail/time.ts';
import type { Preview, Previewer } from '../../ports/preview.ts';
import type { FromThread, ToThread } from './preview-words.ts';

const DEADLINE: Millis = seconds(10);
/** Three times what 25 MiB of ordinary attachments take. */
const HEAP_MAX_MB = 192;
/** What a preview reads; buffers lie outside of the heap, and this bounds them. */
const OCTETS_MAX = 32 * 1024 * 1024;

export const threadPreviewer = (deadline: Millis = DEADLINE): Previewer => ({
  preview: async (octets, signal) => {
    signal.throwIfAborted();
    // Compiled, this file and the thread's end in .js; as it is written, in .ts.
    const file = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
    const worker = new Worker(file, {
      name: 'preview',
      env: {},
      // What it says of itself is not for the terminal of whoever looks.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB, maxYoungGenerationSizeMb: 32 },
    });
    const late = AbortSignal.any([signal, AbortSignal.timeout(deadline)]);
    try {
      return await shown(worker, octets, late);
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'failed', why: late.aborted ? `it takes longer than ${sayDuration(deadline)}` : sayWhy(error) };
    } finally {
      await worker.terminate();
    }
  },
});

function shown(worker: Worker, octets: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Preview> {
  const source = octets[Symbol.asyncIterator]();
  let read = 0;
  let readTo = Number.POSITIVE_INFINITY;
  const next = async (): Promise<ToThread> => {
    const { done, value } = await source.next();
    if (done) return { end: true };
    if (read + value.length <= OCTETS_MAX) {
      read += value.length;
      return { octets: value };
    }
    readTo = read;
    return { end: true };
  };
  return new Promise<Preview>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('its thread ended')));
    worker.on('message', (word: FromThread) => {
      if ('preview' in word) resolve({ ...word.preview, readTo });
      else if ('failed' in word) reject(new Error(word.failed));
      else next().then((to) => worker.postMessage(to), reject);
    });
  }).finally(() => void Promise.resolve(source.return?.()).catch(() => {})); // closing a file that was read
}

function sayWhy(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `it takes more memory than a preview may have (${HEAP_MAX_MB} MiB)`;
  return message ?? String(error);
}
