/** The message over the line, after DATA or in chunks (RFC 3030), as far as its end or as far as the host lets it come. */
import type { Heard } from './conversation.ts';
import type { Peer } from './peer.ts';
import { Stuffer } from './stuff.ts';

export type Sent =
  /** To its last octet: from here on it may have been taken. */
  | { readonly kind: 'whole' }
  /** It was not taken, and this is why. The line is of no use any more. */
  | { readonly kind: 'cut'; readonly heard: Heard }
  /** Whole, but the line broke before all that must be answered was. */
  | { readonly kind: 'unknown'; readonly why: string };

type Body = AsyncIterator<Uint8Array>;

/** After 354, up to the dot. */
export async function sendLines(peer: Peer, first: Uint8Array, body: Body): Promise<Sent> {
  const { conversation } = peer;
  const stuffer = new Stuffer('dot');
  const held = new Held();
  // One piece behind: the last goes with the dot, and which is the last is known when no other comes.
  let piece = held.hold(stuffer.feed(first));
  for (let next = await body.next(); next.done !== true; next = await body.next()) {
    if (conversation.outOfStep || !(await put(peer, piece))) break;
    piece = held.hold(stuffer.feed(next.value));
  }
  if (conversation.broken !== undefined || conversation.outOfStep) return cutShort(peer);
  // One write for the last piece and the dot. From here on the message may have been taken.
  conversation.line.write(Buffer.concat([piece, stuffer.end()]));
  return WHOLE;
}

/** Chunks that may be unanswered: a mebibyte on its way, so that distance does not slow us; a refusal is heard not much later. */
const CHUNKS_AHEAD = 16;

/** Each piece is a chunk, said with its length: no octet of the message can end it or be taken for a command. */
export async function sendChunks(peer: Peer, first: Uint8Array, body: Body): Promise<Sent> {
  const { conversation, can, deadlines } = peer;
  const ahead = can.pipelining ? CHUNKS_AHEAD : 1;
  const stuffer = new Stuffer('chunk');
  const held = new Held();
  let piece = held.hold(stuffer.feed(first));
  let unanswered = 0;
  for (let next = await body.next(); next.done !== true; next = await body.next()) {
    if (piece.length > 0) {
      if (!(await put(peer, chunk(piece, false)))) return cutShort(peer);
      unanswered += 1;
    }
    while (unanswered > 0 && (unanswered >= ahead || conversation.outOfStep)) {
      const heard = await conversation.hear(deadlines.block, 'BDAT');
      if (!isTaken(heard)) return cut(peer, heard);
      unanswered -= 1;
    }
    piece = held.hold(stuffer.feed(next.value));
  }
  if (conversation.broken !== undefined) return cutShort(peer);
  conversation.line.write(chunk(Buffer.concat([piece, stuffer.end()]), true));
  for (; unanswered > 0; unanswered--) {
    const heard = await conversation.hear(deadlines.final, 'BDAT');
    if (heard.kind === 'broken') return { kind: 'unknown', why: heard.why };
    // A chunk that was refused ends the transaction, whatever is said to those behind it (RFC 3030 §2).
    if (!isTaken(heard)) return cut(peer, heard);
  }
  return WHOLE;
}

/** Keeps a piece beyond its time, in a buffer that is used again once the piece has left. */
class Held {
  #room: Uint8Array = new Uint8Array(0);

  hold(octets: Uint8Array): Uint8Array {
    if (this.#room.length < octets.length) this.#room = new Uint8Array(octets.length);
    this.#room.set(octets);
    return this.#room.subarray(0, octets.length);
  }
}

const WHOLE: Sent = { kind: 'whole' };

const chunk = (octets: Uint8Array, last: boolean): Buffer =>
  Buffer.concat([Buffer.from(`BDAT ${octets.length}${last ? ' LAST' : ''}\r\n`), octets]);

const isTaken = (heard: Heard): boolean => heard.kind === 'reply' && heard.reply.code < 300;

/** False when it need not go on: the host hung up, or takes nothing more. */
async function put({ conversation, deadlines }: Peer, octets: Uint8Array): Promise<boolean> {
  if (conversation.broken !== undefined) return false;
  if (conversation.line.write(octets)) return true;
  const timer = setTimeout(() => conversation.break('the host stopped taking the message'), deadlines.block);
  await conversation.line.drained();
  clearTimeout(timer);
  return conversation.broken === undefined;
}

/** What it said before the end counts: "too big" is final, a silent end is not. */
async function cutShort(peer: Peer): Promise<Sent> {
  return cut(peer, await peer.conversation.hear(peer.deadlines.data, 'the message'));
}

function cut({ conversation }: Peer, heard: Heard): Sent {
  conversation.break('it answered before the end of the message');
  const refuses = heard.kind === 'broken' || heard.reply.code >= 400;
  return {
    kind: 'cut',
    heard: refuses ? heard : { kind: 'broken', why: `${heard.reply.code} before the end of the message` },
  };
}
