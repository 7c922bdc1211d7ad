/** Hosts we speak with: what stands behind us, and who would answer us from outside. */
import { parseHostPort } from '../../config/host-port.ts';
import { seconds } from '../../mail/time.ts';
import { sayHost } from '../../queue/host.ts';
import type { CertificateFiles, HostAddress, TlsLevel } from '../../queue/route.ts';
import { DEADLINES } from '../../smtp/send/deadlines.ts';
import { type Approached, approach } from '../../smtp/send/peer.ts';
import { plainDemand } from '../../smtp/send/tls-demand.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import type { Practice } from './practice.ts';

/** A person waits; some hosts let everybody wait six seconds for the greeting. */
export const PATIENCE = { ...DEADLINES, connect: seconds(4), greeting: seconds(8), hello: seconds(4) };

export async function examineRoutes(practice: Practice): Promise<readonly Finding[]> {
  const all = await Promise.all(
    [...practice.installation.routes.values()].map(async (route): Promise<readonly Finding[]> => {
      if (route.kind === 'maildir') {
        const mode = await practice.modeOf(route.path);
        if (mode === 'hidden')
          return [
            problem('route', `${route.name}: ${route.path} is out of this user's reach`, 'let the gateway write it'),
          ];
        return mode === 'absent'
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
          const came = await reach(practice, host, route.tls, route.protocol, route.certificate);
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
    return [info('port 25', 'not tried', 'name a host outside: postern doctor --outwards mx.example.net')];
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

async function reach(
  { dial, installation, identityOf, signal }: Practice,
  address: HostAddress,
  tls: TlsLevel,
  protocol: 'smtp' | 'lmtp',
  certificate?: CertificateFiles,
): Promise<Approached> {
  const to = {
    address,
    host: sayHost(address),
    protocol,
    tls: plainDemand(tls),
    auth: null,
    identity: certificate && identityOf(certificate),
    hostname: installation.hostname,
    deadlines: PATIENCE,
  };
  const came = await approach(dial, to, signal);
  if (came.kind === 'open') came.peer.conversation.leave();
  return came;
}

/** As an operator writes it: a name or an address, with or without a port that is 25 anyway. */
export const outwardHost = (text: string): string => parseHostPort(text, 25)?.host ?? text;
