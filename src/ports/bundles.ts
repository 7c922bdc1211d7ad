/** Where policies are read from: a folder of files, or a test's map. */
import type { SourceFile } from '../policy/bundle.ts';

export interface PolicyFiles {
  /** A file by its path relative to the policies' folder; undefined when there is none. */
  read(path: string): SourceFile | undefined;
  /** Paths that match a glob such as `customers/*.yaml`, sorted. */
  glob(pattern: string): readonly string[];
  /** The folder as a person would name it, for problems. */
  readonly name: string;
}
