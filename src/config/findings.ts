/** What loading finds: mistakes, and words whose part has not come yet. */
import type { Problem } from '../language/problem.ts';

export interface Findings {
  readonly problems: Problem[];
  /** Written rightly, but nothing stands behind it yet: `serve` refuses to start with it. */
  readonly notYet: Problem[];
}
