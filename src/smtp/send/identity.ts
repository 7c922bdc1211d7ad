/** As whom a route comes to a host: what is said where that is not to be had, and what tells lines apart by it. */
import { createHash } from 'node:crypto';
import type { ClientIdentity } from '../../ports/client-identity.ts';

export const NO_IDENTITY = "the route's certificate is not to be had: see the log, certificate.refused";

/** Where one was renewed, the line is another: the old one may have been withdrawn. */
export const identityKey = (identity: ClientIdentity | undefined): string =>
  identity === undefined ? '' : createHash('sha256').update(identity.certificate).digest('hex');
