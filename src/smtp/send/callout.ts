/** Asks a store at RCPT who is known there: null sender, no DATA (RFC 5321 §3.3, §4.5.5), several questions over one line. */
import { type Millis, seconds, shareOf } from '../../mail/time.ts';
import type { IdentityOf } from '../../ports/client-identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dial } from '../../ports/dial.ts';
import { type AskedAddress, type RecipientClient, SourceError } from '../../ports/recipients.ts';
import { sayHost } from '../../queue/host.ts';
import type { CertificateFiles, HostAddress, TlsLevel } from '../../queue/route.ts';
import { type HostSaid, type Probe, QUESTIONS_MAX, sayReply, talk } from './callout-question.ts';
import { identityKey, NO_IDENTITY } from './identity.ts';
import { approach, type Peer } from './peer.ts';
import { Pool } from './pool.ts';
import { plainDemand } from './tls-demand.ts';

export interface CalloutParts {
  readonly hosts: readonly HostAddress[];
  readonly protocol: 'smtp' | 'lmtp';
  readonly tls: TlsLevel;
  readonly certificate?: CertificateFiles;
  readonly identityOf: IdentityOf;
  readonly probeRandom: boolean;
  /** Of one question. */
  readonly timeout: Millis;
  /** Our own name. */
  readonly hostname: string;
  readonly dial: Dial;
  readonly clock: Pick<Clock, 'elapsed'>;
  /** A local part that nobody has and nobody can foresee. */
  readonly nobody: () => string;
}

/** A line that nobody asks over takes a slot of the store's: as long as a burst of mail pauses. */
const REUSE = { messages: QUESTIONS_MAX, idle: seconds(5) };

export function calloutClient(parts: CalloutParts): RecipientClient {
  const probes = new Map<string, Probe>();
  const pool = new Pool();
  return {
    ask: async (asked, signal) => {
      let why = '';
      for (const host of parts.hosts) {
        if (signal.aborted) break;
        // One that hangs must leave time for the others.
        const share = AbortSignal.any([signal, AbortSignal.timeout(shareOf(parts.timeout, parts.hosts.length))]);
        const said = await askHost({ ...parts, probes, pool }, host, asked, share);
        if (said.kind === 'answered') return said.answer;
        if (said.kind === 'catch-all') throw new SourceError('catch-all', `${sayHost(host)} takes a made-up name too`);
        why = `${why === '' ? '' : `${why}; `}${sayHost(host)}: ${said.why}`;
        if (said.kind === 'unsure') throw new SourceError('unsure', why);
      }
      throw new SourceError('down', why === '' ? 'there was no time left to ask' : why);
    },
    close: () => pool.close(),
  };
}

interface Asking extends CalloutParts {
  readonly probes: Map<string, Probe>;
  readonly pool: Pool;
}

/** Over a line that is open, and over a new one where that has nothing more to say. */
async function askHost(
  asking: Asking,
  address: HostAddress,
  asked: AskedAddress,
  signal: AbortSignal,
): Promise<Exclude<HostSaid, { kind: 'spent' }>> {
  const { certificate, dial, hostname, pool, protocol, timeout, tls } = asking;
  const host = sayHost(address);
  const identity = certificate && asking.identityOf(certificate);
  if (certificate !== undefined && identity === undefined) return { kind: 'down', why: NO_IDENTITY };
  const key = `${host} ${identityKey(identity)}`;
  const kept = pool.take(key);
  if (kept !== undefined) {
    const said = await askOver(kept, key, asking, asked, host, signal);
    if (said.kind !== 'spent') return said;
  }
  const each = { connect: timeout, greeting: timeout, hello: timeout, mail: timeout, rcpt: timeout };
  const deadlines = { ...each, data: timeout, block: timeout, final: timeout, talk: timeout };
  const us = { auth: null, identity, hostname, deadlines };
  const approached = await approach(dial, { address, host, protocol, tls: plainDemand(tls), ...us }, signal);
  if (approached.kind === 'unusable') {
    const { why, reply } = approached;
    return { kind: 'down', why: reply === null ? why : `${why}: ${sayReply(reply)}` };
  }
  const said = await askOver(approached.peer, key, asking, asked, host, signal);
  if (said.kind === 'spent')
    throw new RangeError(`Cannot call a line to ${host} spent as it must have been used before`);
  return said;
}

async function askOver(
  peer: Peer,
  key: string,
  asking: Asking,
  asked: AskedAddress,
  host: string,
  signal: AbortSignal,
): Promise<HostSaid> {
  const stop = () => peer.conversation.break('it did not answer in time');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const said = await talk(peer, asking, asked, asking.probes, host);
    peer.messages += 1;
    // Only over one that has answered is anything asked again.
    if (said.kind === 'answered' || said.kind === 'catch-all') asking.pool.give(key, peer, REUSE);
    else peer.conversation.leave();
    return said;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
