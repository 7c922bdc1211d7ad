/** Every `builtin:` reason there is, the gateway's and the wire's, for whoever documents them. */
import type { Reply } from '../mail/reply.ts';
import { WIRE_REFUSALS } from '../smtp/receive/refusals.ts';
import { BUILTIN } from './builtin.ts';

export interface RefusalRow {
  readonly by: 'gateway' | 'wire';
  readonly word: string;
  readonly reply: Reply;
  /** '' where the reply says it all. */
  readonly about: string;
  readonly closes: boolean;
}

export const REFUSALS: readonly RefusalRow[] = [
  ...Object.entries(BUILTIN).map(
    ([word, { reply, about }]): RefusalRow => ({ by: 'gateway', word, reply, about, closes: false }),
  ),
  ...Object.entries<{ readonly reply: Reply; readonly close: boolean }>(WIRE_REFUSALS).map(
    ([word, { reply, close }]): RefusalRow => ({ by: 'wire', word, reply, about: '', closes: close }),
  ),
];
