/** How much of a route's mail goes out at once: what an operator bounds, and what is so when nobody said. */
import { type Millis, seconds } from '../mail/time.ts';
import type { Route } from './route.ts';

/** So many messages in this time, evenly spread. */
export interface Rate {
  readonly messages: number;
  readonly per: Millis;
}

export interface Flow {
  /** Messages on the wire at once to one destination, when all goes well. */
  readonly concurrency: number;
  readonly rate: Rate | null;
  readonly reuse: {
    /** Messages over one connection. */
    readonly messages: number;
    /** A connection that nothing was sent over for so long is closed; 0: none is kept. */
    readonly idle: Millis;
  };
}

export const FLOW: Flow = {
  // As many as Postfix sends to one destination by default; a mail server has slots for others, too.
  concurrency: 20,
  rate: null,
  reuse: {
    // So that a host behind a balancer sees its share again.
    messages: 1000,
    // Long enough for the next message of a busy gateway, far below any server's own patience (RFC 5321 §4.5.3.2.7).
    idle: seconds(5),
  },
};

export const flowOf = (route: Route | undefined): Flow => route?.flow ?? FLOW;
