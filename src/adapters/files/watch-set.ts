/** A set of watched files that changes with the configuration: what stays in it goes on being watched. */
import type { WatchedFiles } from '../../ports/watched-files.ts';

export class WatchSet {
  readonly #files: WatchedFiles;
  readonly #changed: (path: string) => void;
  readonly #watching = new Map<string, () => void>();
  #stopped = false;

  /** `changed` hears of a file after it was wanted, not of what stands in it then: that has been read already. */
  constructor(files: WatchedFiles, changed: (path: string) => void) {
    this.#files = files;
    this.#changed = changed;
  }

  want(paths: ReadonlySet<string>): void {
    if (this.#stopped) return;
    for (const [path, end] of this.#watching)
      if (!paths.has(path)) {
        end();
        this.#watching.delete(path);
      }
    for (const path of paths) if (!this.#watching.has(path)) this.#watching.set(path, this.#watch(path));
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#watching.values()) end();
    this.#watching.clear();
  }

  #watch(path: string): () => void {
    let first = true;
    const end = this.#files.watch(path, () => {
      if (!first) this.#changed(path);
    });
    first = false;
    return end;
  }
}
