/** A file of lines for other programs: appended in order, bounded in memory, reopened when it was moved away; its trouble is logged and stops nothing. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../../ports/log.ts';

/** What may wait for a slow disk: some ten thousand records. */
const WAITING_CHARACTERS_MAX = 64 * 1024 * 1024;

export class LineFile {
  readonly #path: string;
  readonly #log: Log;
  #waiting: string[] = [];
  #characters = 0;
  #lost = 0;
  #handle: FileHandle | undefined;
  #moved = false;
  #work: Promise<void> | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** `line` with its line break. Never throws and never waits. */
  write(line: string): void {
    if (this.#characters + line.length > WAITING_CHARACTERS_MAX) {
      this.#lose(1, 'the disk is slower than the records come');
      return;
    }
    this.#waiting.push(line);
    this.#characters += line.length;
    this.#work ??= this.#writeOut();
  }

  /** Whoever rotates files moves this one away: the next line begins a new one. */
  reopen(): void {
    this.#moved = true;
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#shut();
  }

  async #writeOut(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#characters = 0;
      try {
        if (this.#moved) await this.#shut();
        this.#handle ??= await this.#open();
        await this.#handle.appendFile(lines.join(''));
        if (this.#lost > 0) this.#log.event('jsonl.restored', { path: this.#path, lost: this.#lost });
        this.#lost = 0;
      } catch (error) {
        await this.#shut();
        this.#lose(lines.length, error instanceof Error ? error.message : String(error));
      }
    }
    this.#work = undefined;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true });
    return open(this.#path, 'a', 0o640);
  }

  async #shut(): Promise<void> {
    this.#moved = false;
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch((error: unknown) => this.#log.warn('jsonl.not_closed', { error: String(error) }));
  }

  /** Said once until lines are written again: the records themselves are in the store. */
  #lose(lines: number, why: string): void {
    if (this.#lost === 0) this.#log.error('jsonl.lost', { path: this.#path, why });
    this.#lost += lines;
  }
}
