/** Texts that outlive the process: the last good state of files that others write. */
export interface KeptTexts {
  /** Undefined where nothing is kept under this key. */
  read(key: string): string | undefined;
  write(key: string, text: string): void;
  /** Throws away each text that `isOver`, a few at a time; answers how many. Does not reject. */
  clear(isOver: (text: string) => boolean): Promise<number>;
}
