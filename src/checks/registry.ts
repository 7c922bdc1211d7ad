/** Every check there is, a line each. */
import { arc } from './arc.ts';
import type { Check } from './define.ts';
import { dkim } from './dkim.ts';
import { dmarc } from './dmarc.ts';
import { spf } from './spf.ts';

const ALL: readonly Check[] = [
  arc, //
  dkim,
  dmarc,
  spf,
];

export const CHECKS: ReadonlyMap<string, Check> = new Map(ALL.map((check) => [check.name, check]));
