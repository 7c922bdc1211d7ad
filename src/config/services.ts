/** The daemons that checks may ask, as `services:` names them: where each is, and how it may be reached. */
import { isPrivate, parseIp } from '../mail/ip.ts';
import type { HostAddress } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import { parseNextHop } from './host-port.ts';
import type { ServiceSettings } from './installation.ts';
import type { Sections, Spot } from './sections.ts';

const CLAMD_PORT = 3310; // clamd.conf(5) TCPSocket, as every distribution has it
const SPAMD_PORT = 783; // spamd(8)

export function buildServices({ singles }: Sections, findings: Findings): ServiceSettings {
  const written = singles.services;
  if (written?.value === undefined) return {};
  const { clamav, spamassassin, rspamd } = written.value;
  const { at } = written;
  const clamd = clamav && addressOf(clamav.address, 'clamav', CLAMD_PORT, at, findings);
  const spamd = spamassassin && addressOf(spamassassin.address, 'spamassassin', SPAMD_PORT, at, findings);
  const url = rspamd && urlOf(rspamd.url, at, findings);
  return {
    ...(clamav === undefined || clamd === undefined
      ? {}
      : {
          clamav: {
            address: clamd,
            connectTimeout: clamav.connect_timeout,
            maxBytes: clamav.max_size ?? Number.POSITIVE_INFINITY,
          },
        }),
    ...(spamassassin === undefined || spamd === undefined
      ? {}
      : { spamassassin: { address: spamd, connectTimeout: spamassassin.connect_timeout } }),
    ...(rspamd === undefined || url === undefined ? {} : { rspamd: { url, connectTimeout: rspamd.connect_timeout } }),
  };
}

function addressOf(
  text: string,
  service: 'clamav' | 'spamassassin',
  port: number,
  at: Spot,
  { problems }: Findings,
): HostAddress | undefined {
  const address = parseNextHop(text, port);
  if (address === undefined) {
    const example = service === 'clamav' ? 'unix:/run/clamav/clamd.ctl' : 'unix:/run/spamd.sock';
    problems.push(
      at.problem(
        [service, 'address'],
        `"${text}" is not the address of a daemon`,
        `expected one such as "127.0.0.1:${port}" or "${example}"`,
      ),
    );
    return undefined;
  }
  if (address.kind === 'tcp' && isPublic(address.host))
    problems.push(
      at.problem(
        [service, 'address'],
        `mail would go to ${address.host} unencrypted, over networks that are not ours`,
        'name a daemon on this machine or in a private network, or the near end of a tunnel to it',
      ),
    );
  return address;
}

function urlOf(text: string, at: Spot, { problems }: Findings): string | undefined {
  const wrong = (message: string, remedy: string): undefined => {
    problems.push(at.problem(['rspamd', 'url'], message, remedy));
    return undefined;
  };
  // The pure floors have no URL of Node's, and need little of it.
  const [, scheme, host, port, path] =
    /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?((?:\/[A-Za-z0-9._~/-]*)?)$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseNextHop(`${host}${port ?? ''}`, scheme === 'https' ? 443 : 80);
  if (scheme === undefined || address?.kind !== 'tcp')
    return wrong(`"${text}" is not the address of rspamd`, 'expected one such as "http://127.0.0.1:11333"');
  if (scheme === 'http' && isPublic(address.host))
    return wrong(
      `mail would go to ${address.host} unencrypted, over networks that are not ours`,
      'write `https:`, or name a host in a private network',
    );
  return `${scheme}://${host}${port ?? ''}${(path ?? '').replace(/\/+$/, '')}`;
}

/** What a name stands for is not known here. */
function isPublic(host: string): boolean {
  const ip = parseIp(host);
  return ip !== undefined && !isPrivate(ip);
}
