/** A host that has greeted us and said what it can do; ready for messages. */
import type { Reply } from '../../mail/reply.ts';
import type { ClientIdentity } from '../../ports/client-identity.ts';
import type { Dial } from '../../ports/dial.ts';
import type { HostAddress, SourceAddresses } from '../../queue/route.ts';
import { sayReply } from '../../queue/transition.ts';
import { type Capabilities, capabilitiesOf, NO_CAPABILITIES } from './capabilities.ts';
import { Conversation, type Heard } from './conversation.ts';
import { type Deadlines, sayStop } from './deadlines.ts';
import { distrustOf, isProof, sayProof, type TlsDemand } from './tls-demand.ts';

export interface Peer {
  readonly host: string;
  readonly protocol: 'smtp' | 'lmtp';
  readonly conversation: Conversation;
  readonly can: Capabilities;
  readonly deadlines: Deadlines;
  /** `TLSv1.3, verified`, or why it is in plain; '' where nobody wanted more. For the record. */
  readonly security: string;
  /** Messages that have gone over this line. */
  messages: number;
  /** Of all recipients that were named over it. */
  readonly domains: Set<string>;
}

export interface Approach {
  readonly address: HostAddress;
  /** Ours to speak from; absent: the system chooses. */
  readonly source?: SourceAddresses | undefined;
  /** Whom the certificate is asked of; absent: the name in the address. By MX that is an address, and this the exchange. */
  readonly name?: string;
  /** As it is named in results. */
  readonly host: string;
  readonly protocol: 'smtp' | 'lmtp';
  readonly tls: TlsDemand;
  /** Why it was tried in vain, when it goes on in plain. */
  readonly inPlain?: string;
  readonly auth: { readonly user: string; readonly password: string } | null;
  /** Shown where the host asks for a certificate. */
  readonly identity?: ClientIdentity | undefined;
  /** Our own name. */
  readonly hostname: string;
  readonly deadlines: Deadlines;
}

export type Approached =
  | { readonly kind: 'open'; readonly peer: Peer }
  /** Not reached, or it does not want to talk; `reply` when it said so. */
  | { readonly kind: 'unusable'; readonly why: string; readonly reply: Reply | null };

export async function approach(dial: Dial, to: Approach, signal: AbortSignal): Promise<Approached> {
  const never = unkeepable(to);
  if (never !== '') return { kind: 'unusable', why: never, reply: null };
  const dialled = await dial(
    { ...to.address, source: to.source },
    AbortSignal.any([signal, AbortSignal.timeout(to.deadlines.connect)]),
  );
  if (dialled.kind === 'failed') return { kind: 'unusable', why: dialled.why, reply: null };
  const conversation = new Conversation(dialled.line);
  // From its first word on: whoever has had it over another line may greet us with it.
  conversation.secret = to.auth?.password ?? '';
  const stop = () => conversation.break(sayStop(signal));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const talk = await introduce(conversation, to, signal);
    if (talk.kind === 'ready')
      return {
        kind: 'open',
        peer: {
          host: to.host,
          protocol: to.protocol,
          conversation,
          can: talk.can,
          deadlines: to.deadlines,
          security: securityOf(conversation, to),
          messages: 0,
          domains: new Set(),
        },
      };
    conversation.leave();
    // A failed handshake leaves the line useless: opportunistic means once more, in plain (RFC 7435 §3).
    if (talk.kind === 'noTls' && to.tls.kind === 'opportunistic')
      return await approach(dial, { ...to, tls: { kind: 'none' }, inPlain: talk.why }, signal);
    return { kind: 'unusable', why: talk.why, reply: talk.kind === 'refused' ? talk.reply : null };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What the route wants and no host can give; '' where there is nothing of the kind. Refused before anything is said. */
function unkeepable({ tls, auth, address }: Approach): string {
  // The certificate is all that tells us who gets the password, and encryption all that keeps it from others.
  if (auth !== null && !isProof(tls)) return 'a password needs `tls: verified`';
  if (isProof(tls) && address.kind === 'unix') return 'a unix socket has no name that a certificate could prove';
  return '';
}

function securityOf({ line }: Conversation, { tls, inPlain }: Approach): string {
  const shown = line.shown();
  if (shown !== undefined) return `${shown.protocol}, ${sayProof(tls)}`;
  if (inPlain !== undefined) return `in plain: ${inPlain}`;
  return tls.kind === 'none' ? '' : 'in plain: STARTTLS is not offered';
}

type Introduced =
  | { readonly kind: 'ready'; readonly can: Capabilities }
  | { readonly kind: 'refused'; readonly why: string; readonly reply: Reply | null }
  | { readonly kind: 'noTls'; readonly why: string };

async function introduce(conversation: Conversation, to: Approach, signal: AbortSignal): Promise<Introduced> {
  const { deadlines } = to;
  const greeting = await conversation.hear(deadlines.greeting, 'the connection');
  if (greeting.kind === 'broken' || greeting.reply.code !== 220) return refusal('greeting', greeting);
  let hello = await sayHello(conversation, to);
  if (hello.kind !== 'ready' || to.tls.kind === 'none') return hello;

  if (hello.can.startTls) {
    conversation.send('STARTTLS\r\n');
    const heard = await conversation.hear(deadlines.hello, 'STARTTLS');
    if (heard.kind === 'broken') return { kind: 'noTls', why: `STARTTLS: ${heard.why}` };
    if (heard.reply.code !== 220) return { kind: 'noTls', why: `STARTTLS: ${sayReply(heard.reply)}` };
    // RFC 3207 §6: what came before the handshake counts for nothing; pipelined plaintext is an attack.
    if (conversation.outOfStep) return { kind: 'noTls', why: 'plaintext after the reply to STARTTLS' };
    const servername = to.name || (to.address.kind === 'tcp' ? to.address.host : '');
    const verified = to.tls.kind === 'verified';
    const failed = await conversation.line.startTls(
      { servername, verified, identity: to.identity, distrust: (shown) => distrustOf(to.tls, shown) },
      AbortSignal.any([signal, AbortSignal.timeout(deadlines.hello)]),
    );
    if (failed !== '') return { kind: 'noTls', why: `TLS: ${failed}` };
    hello = await sayHello(conversation, to);
    if (hello.kind !== 'ready') return hello;
  } else if (to.tls.kind !== 'opportunistic') {
    return { kind: 'refused', why: 'STARTTLS is required and not offered', reply: null };
  }
  // Whoever has a password is at `verified`, and has come by the handshake.
  return to.auth === null ? hello : authenticate(conversation, to.auth, hello.can, deadlines);
}

/** EHLO, and HELO where it is not known (RFC 5321 §3.2); LHLO has no such fallback (RFC 2033 §4.1). */
async function sayHello(conversation: Conversation, to: Approach): Promise<Introduced> {
  conversation.send(`${to.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${to.hostname}\r\n`);
  const heard = await conversation.hear(to.deadlines.hello, 'EHLO');
  if (heard.kind === 'reply' && heard.reply.code === 250) return { kind: 'ready', can: capabilitiesOf(heard.lines) };
  if (to.protocol === 'lmtp' || heard.kind === 'broken' || heard.reply.code < 500) return refusal('EHLO', heard);
  conversation.send(`HELO ${to.hostname}\r\n`);
  const again = await conversation.hear(to.deadlines.hello, 'HELO');
  if (again.kind === 'reply' && again.reply.code === 250) return { kind: 'ready', can: NO_CAPABILITIES };
  return refusal('HELO', again);
}

/** PLAIN in one step (RFC 4954 §4). */
async function authenticate(
  conversation: Conversation,
  { user, password }: { readonly user: string; readonly password: string },
  can: Capabilities,
  deadlines: Deadlines,
): Promise<Introduced> {
  if (!can.authPlain) return { kind: 'refused', why: 'AUTH PLAIN is not offered', reply: null };
  conversation.send(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}\r\n`);
  const heard = await conversation.hear(deadlines.hello, 'AUTH');
  if (heard.kind === 'reply' && heard.reply.code === 235) return { kind: 'ready', can };
  return refusal('AUTH', heard);
}

function refusal(to: string, heard: Heard): Introduced {
  if (heard.kind === 'broken') return { kind: 'refused', why: `${to}: ${heard.why}`, reply: null };
  return { kind: 'refused', why: `${to} was refused`, reply: heard.reply };
}
