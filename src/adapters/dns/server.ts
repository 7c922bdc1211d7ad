/** The address of a DNS server, as configured: `127.0.0.1:53`, `[::1]:53`, or without the port. */
import { isIP } from 'node:net';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** As it stands in records: always with its port. */
  readonly text: string;
}

const DNS_PORT = 53;

export function parseServer(text: string): DnsServer {
  const match = isIP(text) === 0 ? /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) : undefined;
  const host = match?.[1] ?? match?.[2] ?? text;
  const port = match?.[3] === undefined ? DNS_PORT : Number(match[3]);
  const family = isIP(host);
  if ((family !== 4 && family !== 6) || port < 1 || port > 65535)
    throw new RangeError(
      `Cannot ask DNS server "${text}" as it must be an address with or without a port: 127.0.0.1:53`,
    );
  return { host, port, family, text: family === 6 ? `[${host}]:${port}` : `${host}:${port}` };
}
