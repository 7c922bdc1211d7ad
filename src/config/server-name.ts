/** Names of servers as certificates and clients write them: lower-case A-labels, with `*` for one whole label in front (RFC 9525 §6.3). */
import { toAscii } from '../mail/address.ts';

/** `*.example.com` keeps its star; undefined where it is no host name. */
export function serverName(text: string): string | undefined {
  const wild = text.startsWith('*.');
  const name = toAscii(wild ? text.slice(2) : text);
  // `*.com` would speak for everybody under it.
  if (name === undefined || name.includes('_') || (wild && !name.includes('.'))) return undefined;
  return wild ? `*.${name}` : name;
}

/** Whether a name that stands in a certificate speaks for `name`; both as `serverName` writes them. */
export function speaksFor(presented: string, name: string): boolean {
  if (presented === name) return true;
  if (!presented.startsWith('*.') || name.startsWith('*.')) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === presented.slice(1);
}
