/** A copy of the store in a folder of its own, and what its manifest says. */
import type { Timestamp } from '../mail/time.ts';

export interface Manifest {
  /** Of this layout of folders and words. */
  readonly backup: 1;
  /** Of the program that made it. */
  readonly version: string;
  readonly node: string;
  /** When the copy began: whatever got 250 before is in it, or had ended. */
  readonly at: Timestamp;
  readonly entries: number;
  readonly quarantined: number;
  readonly records: number;
  /** Entries and items that ended while the copy was made and are not in it; their records say how. */
  readonly ended: readonly string[];
  /** By path in the folder. */
  readonly files: { readonly [path: string]: { readonly size: number; readonly sha256: string } };
}
