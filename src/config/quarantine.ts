/** How long and how much is kept aside: what `quarantine:` says, with a span for each class. */
import type { Millis } from '../mail/time.ts';
import { HELD_CLASSES, type HeldClass } from '../queue/held-class.ts';
import type { Findings } from './findings.ts';
import { SINGLES } from './schema.ts';
import type { Sections } from './sections.ts';

export interface QuarantineKeeping {
  readonly retention: { readonly [name in HeldClass]: Millis };
  readonly maxBytes: number;
}

export function quarantineOf({ singles }: Sections, messageBytes: number, { problems }: Findings): QuarantineKeeping {
  const { retention, max_size } = singles.quarantine?.value ?? SINGLES.quarantine.parse({});
  if (max_size < messageBytes)
    problems.push(
      (singles.quarantine ?? singles.limits)!.at.problem(
        singles.quarantine === undefined ? ['message'] : ['max_size'],
        `quarantine.max_size is smaller than limits.message: a message might never be kept aside, and be deferred for ever`,
        `expected quarantine.max_size of ${messageBytes} octets or more`,
      ),
    );
  const each = (name: HeldClass): Millis =>
    typeof retention === 'number' ? retention : (retention[name] ?? retention.default);
  return {
    retention: Object.fromEntries(HELD_CLASSES.map((name) => [name, each(name)])) as QuarantineKeeping['retention'],
    maxBytes: max_size,
  };
}
