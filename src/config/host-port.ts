/** `0.0.0.0:25`, `[::1]:2525`, `mail1.internal`, `unix:/run/lmtp` as addresses. */
import { toAscii } from '../mail/address.ts';
import { parseIp } from '../mail/ip.ts';
import type { HostAddress } from '../queue/route.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A name or address with a port; undefined for anything else, and where the port is missing without a `standard` one. */
export function parseHostPort(text: string, standard?: number): HostPort | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const host = hostOf(bracketed, plain);
  const port = digits === undefined ? standard : Number(digits);
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port };
}

/** A next hop: as above, or `unix:` and an absolute path. */
export function parseNextHop(text: string, standard: number): HostAddress | undefined {
  if (text.startsWith('unix:')) return text.startsWith('unix:/') ? { kind: 'unix', path: text.slice(5) } : undefined;
  const address = parseHostPort(text, standard);
  return address === undefined || address.port === 0 ? undefined : { kind: 'tcp', ...address };
}

/** As it is written: IPv6 in brackets. */
export const sayHostPort = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function hostOf(bracketed: string | undefined, plain: string | undefined): string | undefined {
  if (bracketed !== undefined) return parseIp(bracketed)?.family === 6 ? parseIp(bracketed)?.text : undefined;
  if (plain === undefined) return undefined;
  // Digits and dots are an address or a mistake, never a name.
  return /^[\d.]+$/.test(plain) ? parseIp(plain)?.text : toAscii(plain);
}
