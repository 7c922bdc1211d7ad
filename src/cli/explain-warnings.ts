/** What an explained record is told of beside it. */
import { warningsOf } from '../gateway/rehearse-warnings.ts';
import type { Scenario } from '../record/scenario.ts';
import type { RecordView } from '../record/view.ts';

/** Beside the record, not in it: `comparable` knows nothing of how it came to be. */
export function withWarnings(
  view: RecordView,
  scenario: Scenario,
): RecordView & { readonly warnings?: readonly string[] } {
  const warnings = warningsOf(scenario);
  return warnings.length === 0 ? view : { ...view, warnings };
}
