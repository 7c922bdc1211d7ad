/** Hosts we speak with: what stands behind us, who would answer us from outside, and what our own listeners show. */
import { parseHostPort } from '../../config/host-port.ts';
import { parseIp } from '../../mail/ip.ts';
import { seconds } from '../../mail/time.ts';
import type { Dial } from '../../ports/dial.ts';
import { sayHost } from '../../queue/host.ts';
import type { HostAddress, TlsLevel } from '../../queue/route.ts';
import { DEADLINES } from '../../smtp/send/deadlines.ts';
import { type Approached, approach, leave } from '../../smtp/send/peer.ts';
import { ask, type Finding, ok, type Practice, problem, recordsOf, warning } from './finding.ts';

/** A person waits. */
const PATIENCE = { ...DEADLINES, connect: seconds(10), greeting: seconds(20), hello: seconds(20) };

export async function examineRoutes(practice: Practice): Promise<readonly Finding[]> {
  const all = await Promise.all(
    [...practice.installation.routes.values()].map(async (route): Promise<readonly Finding[]> => {
      if (route.kind === 'maildir') {
        const mode = await practice.modeOf(route.path);
        return mode === undefined
          ? [
              warning(
                'route',
                `${route.name}: ${route.path} is not there yet`,
                'it is made at the first delivery; its parent must be writable',
              ),
            ]
          : [ok('route', `${route.name}: ${route.path} is there`)];
      }
      if (route.kind === 'mx') return [];
      return Promise.all(
        route.hosts.map(async (host) => {
          const came = await reach(practice, host, route.tls, route.protocol);
          const name = `${route.name}: ${sayHost(host)}`;
          if (came.kind === 'open') return ok('route', `${name} answers, tls: ${route.tls} can be kept`);
          const said = came.reply === null ? came.why : `${came.why} (${came.reply.code} ${came.reply.text})`;
          return problem(
            'route',
            `${name}: ${said}`,
            'is it up, does it take this machine, and is the port open? mail waits meanwhile',
          );
        }),
      );
    }),
  );
  return all.flat();
}

/** Delivery by MX needs it; many providers close it. */
export async function examineOutwards(practice: Practice): Promise<readonly Finding[]> {
  if (![...practice.installation.routes.values()].some(({ kind }) => kind === 'mx'))
    return [ok('port 25', 'no route delivers by MX: nothing has to leave by it')];
  if (practice.outwards === '')
    return [warning('port 25', 'not tried', 'name a host outside: postern doctor --outwards mx.example.net')];
  const address: HostAddress = { kind: 'tcp', host: practice.outwards, port: 25 };
  const came = await reach(practice, address, 'none', 'smtp');
  return [
    came.kind === 'open'
      ? ok('port 25', `${practice.outwards}:25 answers`)
      : problem(
          'port 25',
          `${practice.outwards}:25: ${came.why}`,
          'ask the provider of this machine to open port 25 outwards, or send by a relay',
        ),
  ];
}

/** As a stranger sees them who verifies the name. */
export async function examineListeners(practice: Practice): Promise<readonly Finding[]> {
  const { hostname, listeners } = practice.installation;
  const tlsa = recordsOf(await ask(practice, `_25._tcp.${hostname}`, 'TLSA'), 'TLSA');
  const findings = await Promise.all(
    listeners
      .filter(({ port }) => port !== 0)
      .map(async ({ name, host, port }): Promise<Finding> => {
        const at: HostAddress = { kind: 'tcp', host: toReach(host), port };
        // The certificate must prove our name, wherever the listener is reached.
        const dial: Dial = (_address, signal) => practice.dial(at, signal);
        const proving = { ...practice, dial };
        const came = await reach(proving, { kind: 'tcp', host: hostname, port }, 'verified', 'smtp');
        if (came.kind === 'open') return ok('listener', `${name}: its certificate proves ${hostname}`);
        if (came.reply !== null)
          return warning('listener', `${name}: ${came.reply.code} ${came.reply.text}`, 'see `postern status`');
        if (came.why.includes('not offered'))
          return tlsa.length > 0
            ? problem(
                'listener',
                `${name}: no STARTTLS, and TLSA records are published`,
                'whoever keeps to DANE cannot send: give it a certificate, or take the records away',
              )
            : warning('listener', `${name}: no STARTTLS, mail comes in the clear`, 'give it a certificate');
        if (came.why.startsWith('TLS:'))
          return (tlsa.length > 0 ? problem : warning)(
            'listener',
            `${name}: ${came.why}`,
            'renew the certificate; who verifies (MTA-STS) does not send to it',
          );
        return warning('listener', `${name}: ${came.why}`, 'does the gateway run? see `postern status`');
      }),
  );
  if (tlsa.length === 0) return findings;
  const remedy = `compare them: openssl s_client -starttls smtp -connect ${hostname}:25 -dane_tlsa_domain ${hostname}`;
  return [
    ...findings,
    warning('tlsa', `${hostname} has ${tlsa.length} TLSA records; they are not compared here`, remedy),
  ];
}

const toReach = (host: string): string =>
  parseIp(host)?.text === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;

async function reach(
  { dial, installation, signal }: Practice,
  address: HostAddress,
  tls: TlsLevel,
  protocol: 'smtp' | 'lmtp',
): Promise<Approached> {
  const to = {
    address,
    host: sayHost(address),
    protocol,
    tls,
    auth: null,
    hostname: installation.hostname,
    deadlines: PATIENCE,
  };
  const came = await approach(dial, to, signal);
  if (came.kind === 'open') leave(came.peer.conversation);
  return came;
}

/** As an operator writes it: a name or an address, with or without a port that is 25 anyway. */
export const outwardHost = (text: string): string => parseHostPort(text, 25)?.host ?? text;
