/** Whether a client waits for the store before it hears of its message, and what it hears then. */
import { clean, type Reply } from '../mail/reply.ts';
import { type Millis, seconds } from '../mail/time.ts';
import type { Admission, Lease } from '../ports/queue.ts';
import { sayReply } from '../queue/transition.ts';
import type { Spoken } from '../smtp/receive/session.ts';
import { deliveredReply, refusalReply } from './replies.ts';
import type { SessionState } from './session-state.ts';
import type { Awaited, Word } from './store-words.ts';
import type { RecipientState, TransactionState } from './transaction.ts';

/** The answer is under way by then: what takes longer than `limits.commit` ends the connection. */
const ANSWER: Millis = seconds(2);
/** Of the store's words, characters: a few lines of a reply. */
const SAID_MAX = 500;

/**
 * Undefined: it hears at once that the message is queued. It waits only where a refusal of the store can be the whole answer: all that
 * the message was promised to goes by routes that cut through, and is tried now.
 */
export function awaitedOf(
  s: SessionState,
  tx: TransactionState,
  taken: readonly RecipientState[],
  admitted: Admission,
  leases: readonly Lease[],
  began: Millis,
): Awaited | undefined {
  if (s.world.words === undefined || taken.some(({ outcome }) => outcome !== 'queued' && outcome !== 'duplicate'))
    return undefined;
  // Kept aside, or told of already: it was taken in part.
  if (admitted.quarantine.length > 0 || (admitted.notifications ?? []).length > 0) return undefined;
  const copies = new Set(
    taken.flatMap(({ changes }) => changes.copies.flatMap(({ kind, number }) => (kind === 'bcc' ? [number] : []))),
  );
  // Of a copy the sender knows nothing: it goes its own way.
  const entries = admitted.entries.filter(({ id }) => !copies.has(Number(id.slice(tx.id.length + 1))));
  const { routes, limits } = s.current.installation;
  if (entries.some(({ route }) => routes.get(route)?.deliver !== 'cut_through')) return undefined;
  const claimed = new Set(leases.map(({ entry }) => entry.id));
  if (entries.some(({ id }) => !claimed.has(id))) return undefined; // our hands are full: they wait in the store
  const span = Math.min(limits.cutThrough, limits.commit - (s.world.clock.elapsed() - began) - ANSWER);
  return span <= 0 ? undefined : { recordId: tx.id, entries: entries.map(({ id }) => id), span };
}

/**
 * `queued` is what the record has. A refusal is first said, then on record, and only then the end of its entries: whoever dies in
 * between leaves them to the queue, and the sender may hear of it twice, but never not at all.
 */
export function storeAnswer(
  s: SessionState,
  id: string,
  taken: readonly RecipientState[],
  queued: Reply,
  word: Word | undefined,
): Spoken {
  if (word === undefined || word.kind === 'queued') return { reply: queued, close: false };
  const quiet = taken.some(standsForOthers);
  const reply =
    word.kind === 'taken'
      ? deliveredReply(id, quiet ? '' : shown(word.reply))
      : refused(id, taken, quiet ? word.replies.map(wordless) : word.replies);
  const answered = async (): Promise<void> => {
    const event = { recordId: id, at: s.world.clock.now(), recipient: 0, kind: 'answered', by: '' } as const;
    try {
      await s.world.words?.addEvents([{ ...event, text: sayReply(reply) }]);
    } catch (error) {
      s.world.log.error('record.failed', { id, error: String(error) }); // it was said all the same
    }
  };
  const heard = async (came: 'said' | 'gone'): Promise<void> => {
    if (came === 'said') await answered();
    if (word.kind === 'refused') s.world.words?.report(id, came === 'said' ? 'told' : 'untold');
  };
  return { reply, close: false, heard: (came) => void heard(came) };
}

/** The store's words would name whom the sender did not write to (RFC 3461 §5.2.7.3). */
const standsForOthers = ({ changes }: RecipientState): boolean =>
  changes.target !== undefined || changes.copies.some(({ kind }) => kind === 'alias');

const wordless = (reply: Reply): Reply => ({ ...reply, text: 'the mail server behind this one does not take it' });

/** In the words of the first; what others said differently stands behind. */
function refused(id: string, taken: readonly RecipientState[], replies: readonly Reply[]): Reply {
  const [first] = replies;
  const code = FINAL.has(first!.code) ? first!.code : 554;
  // RFC 2034 §4: we offer the codes, so every reply has one.
  const enhanced = first!.enhanced || '5.0.0';
  const others = new Set(replies.map(shown));
  others.delete(shown(first!));
  const text = clean([first!.text, ...others].join('; '), SAID_MAX) || 'refused';
  return refusalReply({ code, enhanced, text }, id, taken.length === 1 ? taken[0]!.number : 0);
}

const shown = (reply: Reply): string => clean(sayReply(reply), SAID_MAX);

/** What may answer a message or a recipient for good (RFC 5321 §4.3.2). Others mean something else here, such as 530: log in. */
const FINAL: ReadonlySet<number> = new Set([550, 551, 552, 553, 554, 555, 556]);
