/** One message over one line: MAIL, RCPT, the content, and what each recipient was answered. */
import type { Reply } from '../../mail/reply.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { mailCommand, needsUtf8, rcptCommand } from './commands.ts';
import { type Sent, sendChunks, sendLines } from './content.ts';
import type { Heard } from './conversation.ts';
import { sayStop } from './deadlines.ts';
import { hasEightBit } from './eight-bit.ts';
import type { Peer } from './peer.ts';
import { NotLines } from './stuff.ts';

/** The final octets, no dot-stuffing. */
export interface Parcel {
  readonly entries: readonly QueueEntry[];
  readonly size: number;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export type Answer =
  | { readonly kind: 'taken'; readonly reply: Reply }
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** By us, as this host cannot take such a message: another may. */
  | { readonly kind: 'beyond'; readonly reply: Reply }
  /** Before the final dot: it was not taken. */
  | { readonly kind: 'broken'; readonly why: string }
  /** After it: nobody knows. */
  | { readonly kind: 'indeterminate'; readonly why: string }
  /** By us: no host may have it as it is, and it will not be another. */
  | { readonly kind: 'unsendable'; readonly why: string };

export async function transact(peer: Peer, parcel: Parcel, signal: AbortSignal): Promise<Answer[]> {
  const stop = () => peer.conversation.break(sayStop(signal));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const body = parcel.open(signal)[Symbol.asyncIterator]();
  try {
    const opening = await body.next();
    const first = opening.done === true ? new Uint8Array() : opening.value;
    const { entries, size } = parcel;
    const utf8 = needsUtf8(entries, first);
    const beyond = await beyondThisHost(peer, parcel, utf8, signal);
    if (beyond !== undefined) return entries.map(() => ({ kind: 'beyond', reply: beyond }));
    return await new Transaction(peer, entries).run(size, utf8, first, body);
  } catch (error) {
    // Reading the content failed, or it is not lines. The final dot has not been sent.
    const why = error instanceof Error ? error.message : String(error);
    peer.conversation.break(why);
    return parcel.entries.map(() => ({ kind: error instanceof NotLines ? 'unsendable' : 'broken', why }));
  } finally {
    signal.removeEventListener('abort', stop);
    await body.return?.();
  }
}

async function beyondThisHost(
  { can, host }: Peer,
  parcel: Parcel,
  utf8: boolean,
  signal: AbortSignal,
): Promise<Reply | undefined> {
  const { entries, size } = parcel;
  // RFC 8689 §4.2.1 and §7: a hop that does not offer it would pass the message on in plain. That it is proved is seen to before
  // (`tls-demand.ts`).
  if (entries[0]?.tls === 'required' && !can.requireTls)
    return {
      code: 550,
      enhanced: '5.7.30',
      text: `this message requires TLS all the way, and ${host} does not offer REQUIRETLS`,
    };
  // RFC 6531 §3.2: without SMTPUTF8 the message cannot go on; RFC 5248 registry: X.6.7.
  if (utf8 && !can.utf8)
    return { code: 550, enhanced: '5.6.7', text: `this message needs SMTPUTF8, which ${host} does not offer` };
  // RFC 1870 §6.1: a client need not try what the host says it will refuse.
  if (can.sizeLimit > 0 && size > can.sizeLimit)
    return {
      code: 552,
      enhanced: '5.3.4',
      text: `message of ${size} octets: ${host} takes ${can.sizeLimit} at most`,
    };
  // RFC 6152 §3 lets us convert or refuse. A conversion would break every signature, so we refuse; RFC 3463 §3.7: X.6.3.
  if (entries[0]?.body === '8BITMIME' && !can.eightBit && (await hasEightBit(parcel.open(signal))))
    return {
      code: 554,
      enhanced: '5.6.3',
      text: `this message has eight-bit content, which ${host} does not take (8BITMIME)`,
    };
  return undefined;
}

class Transaction {
  readonly #peer: Peer;
  readonly #entries: readonly QueueEntry[];
  readonly #answers: (Answer | undefined)[];

  constructor(peer: Peer, entries: readonly QueueEntry[]) {
    this.#peer = peer;
    this.#entries = entries;
    this.#answers = entries.map(() => undefined);
  }

  async run(size: number, utf8: boolean, first: Uint8Array, body: AsyncIterator<Uint8Array>): Promise<Answer[]> {
    const data = await this.#envelope(size, utf8);
    const taken = this.#answers.filter((answer) => answer === undefined).length;
    if (data === 'chunks') {
      if (taken > 0) await this.#content(await sendChunks(this.#peer, first, body));
      else await this.#reset();
    } else if (data?.kind === 'reply' && data.reply.code === 354) {
      if (taken > 0) await this.#content(await sendLines(this.#peer, first, body));
      else await this.#nothing();
    } else if (data !== undefined) {
      this.#forAll(data);
      // A refused DATA leaves the transaction open, and the next MAIL on this line would be a nested one (RFC 5321 §4.1.4).
      await this.#reset();
    }
    return this.#answers as Answer[];
  }

  /**
   * Fills in the answers of those who are refused; answers what DATA was answered, undefined when it was not said. Chunks
   * need no word before them.
   */
  async #envelope(size: number, utf8: boolean): Promise<Heard | 'chunks' | undefined> {
    const { conversation, can, deadlines } = this.#peer;
    const mail = mailCommand(this.#entries[0]!, size, utf8, can);
    const rcpt = this.#entries.map((entry) => rcptCommand(entry, can));
    const data = can.chunking ? '' : 'DATA\r\n';
    // RFC 2920 §3.1: DATA ends the group.
    conversation.send(can.pipelining ? `${mail}${rcpt.join('')}${data}` : mail);

    const sender = await conversation.hear(deadlines.mail, 'MAIL');
    const goes = isPositive(sender);
    if (!goes) this.#forAll(sender);
    if (!goes && !can.pipelining) return undefined;
    for (let n = 0; n < rcpt.length; n++) {
      if (!can.pipelining) conversation.send(rcpt[n]!);
      const heard = await conversation.hear(deadlines.rcpt, 'RCPT');
      // After a refused MAIL the rest is only read: the answer stands already.
      if (isPositive(heard)) continue;
      const others = this.#answers.slice(0, n).some((answer) => answer === undefined);
      this.#answers[n] ??= answerOf(others ? tooManyForNow(heard) : heard);
    }
    if (can.chunking) return 'chunks';
    if (!can.pipelining && this.#answers.every((answer) => answer !== undefined)) {
      await this.#reset();
      return undefined;
    }
    if (!can.pipelining) conversation.send('DATA\r\n');
    return conversation.hear(deadlines.data, 'DATA');
  }

  async #content(sent: Sent): Promise<void> {
    switch (sent.kind) {
      case 'whole':
        return this.#final(this.#peer.deadlines.final);
      case 'cut':
        return this.#forAll(sent.heard);
      case 'unknown':
        for (let n = 0; n < this.#answers.length; n++) this.#answers[n] ??= lost(sent.why);
    }
  }

  /** One reply for all by SMTP; by LMTP one for each recipient that was taken, in their order (RFC 2033 §4.2). */
  async #final(deadline: number): Promise<void> {
    const { conversation, protocol } = this.#peer;
    let heard: Heard | undefined;
    for (let n = 0; n < this.#answers.length; n++) {
      if (this.#answers[n] !== undefined) continue;
      if (heard === undefined || protocol === 'lmtp') heard = await conversation.hear(deadline, 'the final dot');
      this.#answers[n] =
        heard.kind === 'broken'
          ? lost(heard.why)
          : { kind: isPositive(heard) ? 'taken' : 'refused', reply: asRefusal(heard.reply) };
    }
  }

  /** DATA was let through though nobody is left to take it: an empty message, which the host drops (RFC 2920 §3.1). */
  async #nothing(): Promise<void> {
    const { conversation, deadlines } = this.#peer;
    conversation.send('.\r\n');
    await conversation.hear(deadlines.data, 'the final dot');
  }

  async #reset(): Promise<void> {
    const { conversation, deadlines } = this.#peer;
    if (this.#answers.some((answer) => answer?.kind === 'refused' && answer.reply.code === 421)) return; // it hangs up
    conversation.send('RSET\r\n');
    const heard = await conversation.hear(deadlines.mail, 'RSET');
    // Else the next message would be the nested one, and its sender told of a 503 that is none of its own.
    if (!isPositive(heard)) conversation.break('RSET was refused');
  }

  #forAll(heard: Heard): void {
    for (let n = 0; n < this.#answers.length; n++) this.#answers[n] ??= answerOf(heard);
  }
}

const lost = (why: string): Answer => ({ kind: 'indeterminate', why: `after the final dot: ${why}` });

const isPositive = (heard: Heard): boolean => heard.kind === 'reply' && heard.reply.code < 300;

function answerOf(heard: Heard): Answer {
  if (heard.kind === 'broken') return heard;
  return { kind: 'refused', reply: asRefusal(heard.reply) };
}

/**
 * 552 is how old servers say "too many recipients" to those behind others that were taken: for now, as 452 (RFC 5321 §4.5.3.1.10).
 * One that says what it means by another enhanced code (a full mailbox, RFC 3463 §3.3) is taken at its word.
 */
function tooManyForNow(heard: Heard): Heard {
  if (heard.kind === 'broken' || heard.reply.code !== 552) return heard;
  const { enhanced } = heard.reply;
  if (enhanced !== '' && enhanced !== '5.5.3') return heard;
  return { ...heard, reply: { ...heard.reply, code: 452, enhanced: '4.5.3' } };
}

/** 3yz where none belongs reads as a refusal for now (RFC 5321 §4.2.1). */
function asRefusal(reply: Reply): Reply {
  return reply.code >= 300 && reply.code < 400
    ? { code: 451, enhanced: '4.5.0', text: `unexpected ${reply.code} ${reply.text}` }
    : reply;
}
