/** One question over one line: who is known, and once in a while whether a made-up name is known too. */
import { quoteLocal } from '../../mail/address.ts';
import type { Reply } from '../../mail/reply.ts';
import { type Millis, minutes } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AskedAddress } from '../../ports/recipients.ts';
import type { Heard } from './conversation.ts';
import type { Peer } from './peer.ts';

export interface QuestionParts {
  readonly probeRandom: boolean;
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

/** Questions over one line. Postfix counts more than a hundred RSETs as errors (smtpd_junk_command_limit). */
export const QUESTIONS_MAX = 50;
/** Names refused over one line: Exchange hangs up after five errors (MaxProtocolErrors), Postfix is slow after ten (smtpd_soft_error_limit). */
const REFUSED_MAX = 4;
/** In questions. */
const REFUSAL_WEIGHS = QUESTIONS_MAX / REFUSED_MAX;

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

/** What the last made-up name was answered. */
export interface Probe {
  readonly at: Millis;
  readonly catchAll: boolean;
}

export type HostSaid =
  | { readonly kind: 'answered'; readonly answer: 'known' | 'unknown' }
  | { readonly kind: 'catch-all' }
  /** Of this address, or of us for now. */
  | { readonly kind: 'unsure'; readonly why: string }
  | { readonly kind: 'down'; readonly why: string }
  /** The line had been used before, and broke or was refused anything more: nothing that was said over it counts. */
  | { readonly kind: 'spent' };

export async function talk(
  peer: Peer,
  parts: QuestionParts,
  { local, domain }: AskedAddress,
  probes: Map<string, Probe>,
  host: string,
): Promise<HostSaid> {
  const beyondAscii = /[^\x00-\x7f]/.test(local);
  if (beyondAscii && !peer.can.utf8) return { kind: 'unsure', why: 'it takes no address beyond ASCII (RFC 6531)' };
  // Over a line that lay idle: it must speak before it is asked, and whatever it refuses may be owed to what went before.
  const used = peer.messages > 0;
  if (used && !isOk(await say(peer, 'RSET', peer.deadlines.rcpt / ALIVE_SHARE))) return SPENT;
  const mail = await say(peer, `MAIL FROM:<>${beyondAscii ? ' SMTPUTF8' : ''}`);
  if (used && !isOk(mail)) return SPENT;
  if (mail.kind === 'broken') return { kind: 'down', why: mail.why };
  // §4.5.5: it must take it, and is asked for nothing that depends on who asks.
  if (mail.reply.code !== 250) return { kind: 'down', why: `it refuses MAIL FROM:<>: ${sayReply(mail.reply)}` };
  const heard = await say(peer, `RCPT TO:<${quoteLocal(local)}@${domain}>`);
  if (used && hangsUp(heard)) return SPENT;
  if (heard.kind === 'broken') return { kind: 'down', why: heard.why };
  const said = meaningOf(heard.reply);
  if (said === 'unsure') return { kind: 'unsure', why: `RCPT: ${sayReply(heard.reply)}` };
  if (said === 'unknown') peer.messages += REFUSAL_WEIGHS;
  // A "no" is worth the same whether it takes everybody or not.
  if (said === 'unknown' || !parts.probeRandom) return { kind: 'answered', answer: said };
  const anybody = await takesAnybody(peer, parts, domain, probes, host);
  if (anybody === 'unheard' && used) return SPENT;
  // As far as is known: it will be asked again with the next one.
  const before = anybody === 'unheard' && probes.get(probeKey(host, domain))?.catchAll === true;
  return anybody === 'yes' || before ? { kind: 'catch-all' } : { kind: 'answered', answer: said };
}

/** A reset is answered at once: the rest of the time is for a new line. */
const ALIVE_SHARE = 4;
const SPENT: HostSaid = { kind: 'spent' };
const isOk = (heard: Heard): boolean => heard.kind === 'reply' && heard.reply.code === 250;
/** 421 announces it (RFC 5321 §3.8). */
const hangsUp = (heard: Heard): boolean => heard.kind === 'broken' || heard.reply.code === 421;

/** Whether it takes a name that nobody has, as far as it was asked lately. */
async function takesAnybody(
  peer: Peer,
  { clock, nobody }: QuestionParts,
  domain: string,
  probes: Map<string, Probe>,
  host: string,
): Promise<'yes' | 'no' | 'unheard'> {
  const key = probeKey(host, domain);
  const before = probes.get(key);
  const now = clock.elapsed();
  if (before !== undefined && now - before.at < (before.catchAll ? CATCH_ALL_FOR : PROBE_EVERY))
    return word(before.catchAll);
  const heard = await say(peer, `RCPT TO:<${nobody()}@${domain}>`);
  if (heard.kind === 'broken' || hangsUp(heard)) return 'unheard';
  // Answered 4yz: it tells them apart in some way.
  const catchAll = meaningOf(heard.reply) === 'known';
  if (probes.size >= PROBES_MAX) probes.clear();
  probes.set(key, { at: now, catchAll });
  if (!catchAll) peer.messages += REFUSAL_WEIGHS;
  return word(catchAll);
}

const probeKey = (host: string, domain: string): string => `${host} ${domain}`;
const word = (yes: boolean): 'yes' | 'no' => (yes ? 'yes' : 'no');

async function say(peer: Peer, command: string, within: Millis = peer.deadlines.rcpt): Promise<Heard> {
  const { conversation } = peer;
  conversation.send(`${command}\r\n`);
  const heard = await conversation.hear(within, command.slice(0, 4));
  // Which of its words would be the answer could only be guessed.
  if (!conversation.outOfStep) return heard;
  const why = 'it says more than it was asked';
  conversation.break(why);
  return { kind: 'broken', why };
}

export const sayReply = ({ code, enhanced, text }: Reply): string =>
  `${code}${enhanced === '' ? '' : ` ${enhanced}`} ${text}`;
