/** What a route is known to take, so that the edge refuses the rest instead of bouncing it. */
import type { Route, Takes } from './route.ts';

/** What is put in front of a message on its way through: Received, Authentication-Results and what rules add. */
export const ADDED_OCTETS = 8 * 1024;

/** A host is not known to take SMTPUTF8 until somebody says so; files take everything. */
export const takesOf = (route: Route | undefined): Takes =>
  route?.takes ?? { utf8: route?.kind === 'maildir', sizeBytes: Number.POSITIVE_INFINITY };
