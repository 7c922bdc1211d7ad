/** Why a listener cannot listen, told to whoever has to mend it: which one, where, what happened, what to do. */
import type { Listener } from '../config/installation.ts';

export type Place = Pick<Listener, 'name' | 'host' | 'port'>;

export function sayListenTrouble({ name, host, port }: Place, error: unknown): string {
  const { code = '', message = String(error) } = (error ?? {}) as { readonly code?: string; readonly message?: string };
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const { what, remedy } = told(code, host, port) ?? { what: message, remedy: 'mend `address` of this listener' };
  return `listener ${name} cannot listen on ${address}: ${what}${code === '' ? '' : ` (${code})`}\n${remedy}`;
}

function told(
  code: string,
  host: string,
  port: number,
): { readonly what: string; readonly remedy: string } | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return {
        what: 'another program listens there',
        remedy: `see which one: ss -ltnp 'sport = :${port}'; stop it, or give this listener another address`,
      };
    case 'EACCES':
    case 'EPERM':
      return {
        what: 'this user may not listen on that port',
        remedy:
          'give the program CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), pass it the socket from the service manager, or use a port from 1024 on',
      };
    case 'EADDRNOTAVAIL':
      return {
        what: 'no interface of this machine has that address',
        remedy: `write one that \`ip address\` shows, or ${host.includes(':') ? '[::]' : '0.0.0.0'} for all`,
      };
    case 'EAFNOSUPPORT':
      return {
        what: `this machine speaks no ${host.includes(':') ? 'IPv6' : 'IPv4'}`,
        remedy: `listen on an ${host.includes(':') ? 'IPv4' : 'IPv6'} address`,
      };
    default:
      return undefined;
  }
}
