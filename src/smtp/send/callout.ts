/** Asks a store at RCPT who is known there, and goes away again: null sender, no DATA (RFC 5321 §3.3, §4.5.5). */
import { quoteLocal } from '../../mail/address.ts';
import type { Reply } from '../../mail/reply.ts';
import { type Millis, minutes } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dial } from '../../ports/dial.ts';
import { type AskedAddress, type RecipientClient, SourceError } from '../../ports/recipients.ts';
import { sayHost } from '../../queue/host.ts';
import type { HostAddress, TlsLevel } from '../../queue/route.ts';
import type { Heard } from './conversation.ts';
import { approach, type Peer } from './peer.ts';
import { plainDemand } from './tls-demand.ts';

export interface CalloutParts {
  readonly hosts: readonly HostAddress[];
  readonly protocol: 'smtp' | 'lmtp';
  readonly tls: TlsLevel;
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

/** How long a store that refused a made-up name is taken at its word. */
const PROBE_EVERY: Millis = minutes(10);
/** A store that took one is asked again so soon: somebody may be mending it. */
const CATCH_ALL_FOR: Millis = minutes(1);
/** Domains whose probes are remembered; beyond it they are asked for again. */
const PROBES_MAX = 10_000;

export type Said = 'known' | 'unknown' | 'unsure';

/** What the answer to RCPT says about the recipient, and about nothing else. */
export function meaningOf({ code, enhanced }: Reply): Said {
  if (code === 250 || code === 251) return 'known'; // §4.2.3: 251 is "not local; will forward"
  if (code < 500) return 'unsure';
  // RFC 3463 §3.2. About the sender, the domain as a whole, or how a name is to be read: 5.1.2, 5.1.4, 5.1.5, 5.1.7 to 5.1.9.
  if (enhanced !== '') return UNKNOWN.has(enhanced) ? 'unknown' : 'unsure';
  // §4.2.3: of all codes, these speak of the mailbox. A store that says no more is taken at its word.
  return code === 550 || code === 551 || code === 553 ? 'unknown' : 'unsure';
}

/** Other address status, bad mailbox, bad syntax, moved; and as Exchange says it of recipients it does not find (RFC 7505 has another use for it). */
const UNKNOWN: ReadonlySet<string> = new Set(['5.1.0', '5.1.1', '5.1.3', '5.1.6', '5.1.10']);

interface Probe {
  readonly at: Millis;
  readonly catchAll: boolean;
}

export function calloutClient(parts: CalloutParts): RecipientClient {
  const probes = new Map<string, Probe>();
  return {
    ask: async (asked, signal) => {
      let why = '';
      for (const host of parts.hosts) {
        if (signal.aborted) break;
        // One that hangs must leave time for the others.
        const share = AbortSignal.any([signal, AbortSignal.timeout(parts.timeout / parts.hosts.length)]);
        const said = await askHost(parts, host, asked, probes, share);
        if (said.kind === 'answered') return said.answer;
        if (said.kind === 'catch-all') throw new SourceError('catch-all', `${sayHost(host)} takes a made-up name too`);
        why = `${why === '' ? '' : `${why}; `}${sayHost(host)}: ${said.why}`;
        if (said.kind === 'unsure') throw new SourceError('unsure', why);
      }
      throw new SourceError('down', why === '' ? 'there was no time left to ask' : why);
    },
    close: () => {}, // no line is kept
  };
}

type HostSaid =
  | { readonly kind: 'answered'; readonly answer: 'known' | 'unknown' }
  | { readonly kind: 'catch-all' }
  /** Of this address, or of us for now. */
  | { readonly kind: 'unsure'; readonly why: string }
  | { readonly kind: 'down'; readonly why: string };

async function askHost(
  parts: CalloutParts,
  address: HostAddress,
  asked: AskedAddress,
  probes: Map<string, Probe>,
  signal: AbortSignal,
): Promise<HostSaid> {
  const { dial, protocol, tls, hostname, timeout } = parts;
  const host = sayHost(address);
  const each = { connect: timeout, greeting: timeout, hello: timeout, mail: timeout, rcpt: timeout };
  const deadlines = { ...each, data: timeout, block: timeout, final: timeout, talk: timeout };
  const approached = await approach(
    dial,
    { address, host, protocol, tls: plainDemand(tls), auth: null, hostname, deadlines },
    signal,
  );
  if (approached.kind === 'unusable') {
    const { why, reply } = approached;
    return { kind: 'down', why: reply === null ? why : `${why}: ${sayReply(reply)}` };
  }
  const { peer } = approached;
  const stop = () => peer.conversation.break('it did not answer in time');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await talk(peer, parts, asked, probes, host);
  } finally {
    signal.removeEventListener('abort', stop);
    peer.conversation.leave();
  }
}

async function talk(
  peer: Peer,
  parts: CalloutParts,
  { local, domain }: AskedAddress,
  probes: Map<string, Probe>,
  host: string,
): Promise<HostSaid> {
  const beyondAscii = /[^\x00-\x7f]/.test(local);
  if (beyondAscii && !peer.can.utf8) return { kind: 'unsure', why: 'it takes no address beyond ASCII (RFC 6531)' };
  const mail = await say(peer, `MAIL FROM:<>${beyondAscii ? ' SMTPUTF8' : ''}`);
  if (mail.kind === 'broken') return { kind: 'down', why: mail.why };
  // §4.5.5: it must take it, and is asked for nothing that depends on who asks.
  if (mail.reply.code !== 250) return { kind: 'down', why: `it refuses MAIL FROM:<>: ${sayReply(mail.reply)}` };
  const heard = await say(peer, `RCPT TO:<${quoteLocal(local)}@${domain}>`);
  if (heard.kind === 'broken') return { kind: 'down', why: heard.why };
  const said = meaningOf(heard.reply);
  if (said === 'unsure') return { kind: 'unsure', why: `RCPT: ${sayReply(heard.reply)}` };
  // A "no" is worth the same whether it takes everybody or not.
  if (said === 'unknown' || !parts.probeRandom) return { kind: 'answered', answer: said };
  return (await takesAnybody(peer, parts, domain, probes, host))
    ? { kind: 'catch-all' }
    : { kind: 'answered', answer: said };
}

/** Whether it takes a name that nobody has, as far as it was asked lately. */
async function takesAnybody(
  peer: Peer,
  { clock, nobody }: CalloutParts,
  domain: string,
  probes: Map<string, Probe>,
  host: string,
): Promise<boolean> {
  const key = `${host} ${domain}`;
  const before = probes.get(key);
  const now = clock.elapsed();
  if (before !== undefined && now - before.at < (before.catchAll ? CATCH_ALL_FOR : PROBE_EVERY)) return before.catchAll;
  const heard = await say(peer, `RCPT TO:<${nobody()}@${domain}>`);
  // Not heard, or answered 4yz: it tells them apart in some way, and will be asked again with the next one.
  if (heard.kind === 'broken') return before?.catchAll ?? false;
  const catchAll = meaningOf(heard.reply) === 'known';
  if (probes.size >= PROBES_MAX) probes.clear();
  probes.set(key, { at: now, catchAll });
  return catchAll;
}

function say(peer: Peer, command: string): Promise<Heard> {
  peer.conversation.send(`${command}\r\n`);
  return peer.conversation.hear(peer.deadlines.rcpt, command.slice(0, 4));
}

const sayReply = ({ code, enhanced, text }: Reply): string => `${code}${enhanced === '' ? '' : ` ${enhanced}`} ${text}`;
