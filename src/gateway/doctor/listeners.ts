/** Our own listeners as a client meets them: do they greet, and with which certificate? */

import { parseHostPort } from '../../config/host-port.ts';
import type { Listener } from '../../config/installation.ts';
import { seconds } from '../../mail/time.ts';
import type { ShownCertificates } from '../../ports/dial.ts';
import type { HostAddress } from '../../queue/route.ts';
import { Conversation } from '../../smtp/send/conversation.ts';
import { approach } from '../../smtp/send/peer.ts';
import { judge } from './certificate.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import { PATIENCE } from './hosts.ts';
import { type Practice, running } from './practice.ts';

export type Look =
  | { readonly kind: 'shown'; readonly certificates: ShownCertificates }
  /** It greets, in the clear. */
  | { readonly kind: 'plain' }
  | { readonly kind: 'failed'; readonly why: string };

export async function examineListeners(practice: Practice): Promise<readonly Finding[]> {
  const { hostname, listeners } = practice.installation;
  const shown = new Map<string, { readonly names: string[]; readonly certificates: ShownCertificates }>();
  const findings = await Promise.all(
    listeners.map(async (listener): Promise<readonly Finding[]> => {
      const { name } = listener;
      const skipped = leftAlone(practice, listener);
      if (skipped !== '') return [info('listener', `${name}: not looked at, as ${skipped}`)];
      const came = await look(practice, listener, hostname);
      if (came.kind === 'failed') {
        const remedy = 'see `postern status` and the log';
        return [(running(practice) === undefined ? warning : problem)('listener', `${name}: ${came.why}`, remedy)];
      }
      if (came.kind === 'plain') {
        const strangers = listener.trustedNetworks.length === 0;
        const saw = `${name} greets, and speaks no TLS`;
        return [strangers ? warning('listener', saw, 'give it a certificate: docs/tls.md') : ok('listener', saw)];
      }
      const { certificates } = came;
      const key = Buffer.from(certificates.chain[0] ?? []).toString('latin1');
      const same = shown.get(key);
      if (same === undefined) shown.set(key, { names: [name], certificates });
      else same.names.push(name);
      return [ok('listener', `${name} greets, TLS: ${listener.tls}`)];
    }),
  );
  const judged = [...shown.values()].flatMap(({ names, certificates }) =>
    judge(practice, names.join(', '), certificates),
  );
  return [...findings.flat(), ...judged];
}

/** Why this listener cannot be looked at from here; '' where it can. */
export function leftAlone(practice: Practice, listener: Listener): string {
  if (listener.proxyFrom.length > 0) return 'it hears balancers only (proxy_from)';
  if (listener.greetWait >= PATIENCE.greeting - seconds(1)) return 'it lets clients wait for its greeting (greet_wait)';
  if (addressOf(practice, listener) === undefined) return 'its port is drawn when the gateway starts';
  return '';
}

/** Connects as a client that asks for `servername`, and believes whatever it is shown. */
export async function look(practice: Practice, listener: Listener, servername: string): Promise<Look> {
  const address = addressOf(practice, listener);
  if (address === undefined) return { kind: 'failed', why: 'where it listens is not known' };
  return listener.tls === 'implicit'
    ? lookImplicit(practice, address, servername)
    : lookStartTls(practice, address, servername, listener.tls !== 'none');
}

async function lookImplicit(practice: Practice, address: HostAddress, servername: string): Promise<Look> {
  const { dial, signal } = practice;
  const dialled = await dial(address, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE.connect)]));
  if (dialled.kind === 'failed') return dialled;
  const { line } = dialled;
  const conversation = new Conversation(line);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE.hello)]);
  const failed = await line.startTls({ servername, verified: false }, deadline);
  if (failed !== '') return { kind: 'failed', why: `TLS: ${failed}` };
  return ended(conversation);
}

async function lookStartTls(
  practice: Practice,
  at: HostAddress,
  servername: string,
  encrypted: boolean,
): Promise<Look> {
  const to = {
    // What is asked for stands in SNI; where it is reached, in the dialling.
    address: { kind: 'tcp', host: servername, port: 25 } as const,
    host: servername,
    protocol: 'smtp',
    tls: { kind: encrypted ? 'required' : 'none' },
    auth: null,
    hostname: practice.installation.hostname,
    deadlines: PATIENCE,
  } as const;
  const came = await approach((_, signal) => practice.dial(at, signal), to, practice.signal);
  if (came.kind === 'open') return ended(came.peer.conversation);
  const said = came.reply === null ? '' : ` (${came.reply.code} ${came.reply.text})`;
  return { kind: 'failed', why: came.why + said };
}

function ended(conversation: Conversation): Look {
  const certificates = conversation.line.shown();
  conversation.leave();
  return certificates === undefined ? { kind: 'plain' } : { kind: 'shown', certificates };
}

/** Where the running gateway says that it listens, else where it would. */
function addressOf(practice: Practice, { name, host, port }: Listener): HostAddress | undefined {
  const now = running(practice)?.listeners.find((one) => one.name === name)?.address ?? '';
  const found = parseHostPort(now) ?? { host, port };
  return found.port === 0 ? undefined : { kind: 'tcp', host: toReach(found.host), port: found.port };
}

/** Who listens everywhere is met at home. */
const toReach = (host: string): string => (/^[0.]+$/.test(host) ? '127.0.0.1' : /^[0:]+$/.test(host) ? '::1' : host);
