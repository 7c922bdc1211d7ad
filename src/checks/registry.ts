/** Every check there is, a line each. */
import type { Check } from './define.ts';

export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([].map((check: Check) => [check.name, check]));
