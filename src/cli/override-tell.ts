/** An override as a person and as a program read it. */
import { sayDuration, type Timestamp } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import { overrideView } from '../record/view.ts';

export const overrideJson = (override: Override): object => ({ ...overrideView(override), policy: override.policy });

export function overrideLine({ id, kind, name, policy, by, why, until }: Override, now: Timestamp): string {
  const left = until > now ? `for ${sayDuration(until - now)} yet` : 'over';
  return `${id}  ${kind} ${name}${policy === '' ? '' : ` of ${policy}`} in monitor, ${left}, by ${by}: ${why}`;
}
