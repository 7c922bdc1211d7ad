/** A host's name in records, results and `onlyAt`: one way to write it, so that it can be compared. */
import type { HostAddress } from './route.ts';

/** `mail1.internal:25`, `[2001:db8::1]:25`, `unix:/run/dovecot/lmtp`. */
export function sayHost(address: HostAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
