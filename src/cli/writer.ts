/** Writing to a stream as fast as it takes it, and no faster. */
import type { Writable } from 'node:stream';

/** A function that resolves when more may be written, and rejects (code `EPIPE`) once nobody reads any more. */
export function streamWriter(stream: Writable): (text: string) => Promise<void> {
  let broken: Error | undefined;
  let waiting: (() => void)[] = [];
  const waken = (): void => {
    for (const wake of waiting) wake();
    waiting = [];
  };
  stream.on('error', (error) => {
    broken = error;
    waken();
  });
  stream.on('drain', waken);
  return async (text) => {
    if (broken !== undefined) throw broken;
    if (stream.write(text)) return;
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (broken !== undefined) throw broken;
  };
}
