/** The overrides in force on an installation's store, as every thread finds them when it reads the configuration. */
import { overrideFile } from '../adapters/files/override-file.ts';
import type { Installation } from '../config/installation.ts';
import type { Override } from '../policy/override.ts';
import type { Clock } from '../ports/clock.ts';
import { inForceAt } from './overrides.ts';

export const overridesNow =
  (clock: Clock) =>
  ({ store }: Installation): readonly Override[] =>
    inForceAt(overrideFile(store.path).read(), clock.now());
