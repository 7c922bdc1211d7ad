/** Replies as the gateway speaks them: the record's id stands early on the first line of every one that ends or refuses something. */
import type { Reply } from '../mail/reply.ts';

/** `550 5.7.26 (ref 3f9k2m7q0d5xa.2) …`; `number` is the recipient's, 0 for none. */
export function refusalReply(reply: Reply, id: string, number = 0): Reply {
  const ref = number === 0 ? id : `${id}.${number}`;
  return { ...reply, text: `(ref ${ref}) ${reply.text}` };
}

/** Taken by the store already, in its words. */
export const deliveredReply = (id: string, said: string): Reply => ({
  code: 250,
  enhanced: '2.0.0',
  text: said === '' ? `delivered as ${id}` : `delivered as ${id}: ${said}`,
});

/** The promise (RFC 5321 §6.1): only ever said after the commit. */
export const queuedReply = (id: string): Reply => ({ code: 250, enhanced: '2.0.0', text: `queued as ${id}` });
