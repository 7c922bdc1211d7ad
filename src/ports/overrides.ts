/** Where overrides are kept between one life of the gateway and the next. */
import type { Override } from '../policy/override.ts';

export interface OverrideStore {
  /** All that were begun and not ended, those whose time is over included. Throws where the file is not what we wrote. */
  read(): readonly Override[];
  /** On stable storage when it returns, whole or not at all. */
  write(overrides: readonly Override[]): void;
}
