/** The words by which an operator bounds how much of a route goes out at once. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { type Millis, minutes, seconds } from '../mail/time.ts';
import { FLOW, type Flow } from '../queue/flow.ts';

/** More is no mail flow but an attack, and more than the sockets we have for all. */
const CONCURRENCY_MOST = 500;
/** A day's ration is the longest that anybody sells. */
const RATE_MOST = 10_000_000;
/** An idle line costs the next hop a slot; nobody there waits longer than five minutes (RFC 5321 §4.5.3.2.7). */
const IDLE_MOST: Millis = minutes(5);

export const FLOW_KEYS = {
  concurrency: z
    .int()
    .min(1)
    .max(CONCURRENCY_MOST)
    .optional()
    .meta({
      description: `Messages on the wire at once to one destination: the route's hosts, or with \`mx: true\` each domain. It begins with a few, grows while messages are answered and shrinks while they are not. ${FLOW.concurrency} when left out`,
    }),
  rate: z
    .strictObject({
      messages: z.int().min(1).max(RATE_MOST).meta({ description: 'How many in that time' }),
      per: duration(seconds(1)).meta({ description: 'The time' }),
    })
    .optional()
    .meta({
      description:
        'So many messages in this time to one destination, evenly spread, such as { messages: 600, per: 1h }',
    }),
  reuse: z
    .strictObject({
      messages: z
        .int()
        .min(1)
        .max(1_000_000)
        .prefault(FLOW.reuse.messages)
        .meta({ description: 'Of one connection, before it is closed; a host that says MAILMAX bounds it too' }),
      idle: duration()
        .refine((span) => span <= IDLE_MOST, 'expected 5m or less: no host waits longer')
        .prefault('5s')
        .meta({ description: 'How long a connection is kept for the next message' }),
    })
    .optional()
    .meta({
      description:
        'Messages over one connection, and how long it is kept when there are no more; `messages: 1` or `idle: 0s`: none is kept',
    }),
} as const;

interface WrittenFlow {
  readonly concurrency?: number | undefined;
  readonly rate?: { readonly messages: number; readonly per: Millis } | undefined;
  readonly reuse?: { readonly messages: number; readonly idle: Millis } | undefined;
}

export function flowFrom({ concurrency, rate, reuse }: WrittenFlow): { readonly flow?: Flow } {
  if (concurrency === undefined && rate === undefined && reuse === undefined) return {};
  return {
    flow: { concurrency: concurrency ?? FLOW.concurrency, rate: rate ?? FLOW.rate, reuse: reuse ?? FLOW.reuse },
  };
}
