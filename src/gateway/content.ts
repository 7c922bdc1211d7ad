/** The message is here: facts from its header, the data and content stages for each recipient, one reply, and the promise. */
import type { Reply } from '../mail/reply.ts';
import type { Millis } from '../mail/time.ts';
import { afterPatience, refuses } from '../policy/course.ts';
import type { Disposition } from '../policy/disposition.ts';
import { settle } from '../policy/settle.ts';
import type { Stage } from '../policy/stage.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Admission } from '../ports/queue.ts';
import { StoreError } from '../ports/store-error.ts';
import { admission } from './admit.ts';
import { foreignAgent, foreignAuthor, isOfTenant } from './auth/standing.ts';
import { awaitedOf } from './await-store.ts';
import { noteBounces } from './bounces.ts';
import { type BuiltinWord, builtinReply } from './builtin.ts';
import { carryOut } from './changes.ts';
import { mergeDuplicates } from './duplicates.ts';
import { type HeaderFacts, headerFacts } from './edge.ts';
import { carryOutOrders } from './orders.ts';
import { isPatienceOver } from './patience.ts';
import { become } from './recipient.ts';
import { transactionRecord } from './record-of.ts';
import { queuedReply, refusalReply } from './replies.ts';
import { isReport } from './reports.ts';
import type { Bench } from './run-check.ts';
import { decideStage, startChecks } from './run-stage.ts';
import { mayTell, senderStanding } from './sender.ts';
import { allStages, benchFor, instancesOf, type SessionState } from './session-state.ts';
import type { Word } from './store-words.ts';
import { keep, type RecipientState, type TransactionState } from './transaction.ts';
import { takesOfAll } from './way.ts';

/** What is answered, or will be once the store has said its word. */
export interface Taken {
  readonly reply: Reply;
  /** The client waits: `reply` is what it hears where no word comes. */
  readonly word?: Promise<Word | undefined>;
}

/** `left`: aborted when the client is gone, or may be. */
export async function takeContent(
  s: SessionState,
  tx: TransactionState,
  content: SpooledContent,
  left: AbortSignal,
): Promise<Taken> {
  const began = s.world.clock.elapsed();
  const read = headerFacts(content);
  tx.message = read.identity;
  tx.tlsOptional = saysTlsOptional(read);
  tx.report = isReport(read);
  const taken = tx.recipients.filter((recipient) => recipient.taken);
  tx.ledger.state('from', read.from);
  tx.ledger.state('message', read.message);
  tx.ledger.state('recipients', { count: taken.length });

  if (read.hops > s.current.installation.limits.hops) for (const recipient of taken) refuse(recipient, 'too-many-hops');
  for (const recipient of taken) {
    const { sizeBytes } = takesOfAll(recipient, s.current.installation);
    if (content.size > sizeBytes) refuse(recipient, 'too-large-for-recipient', { size: String(sizeBytes) });
  }
  const stranger = foreignAuthor(s, read);
  if (stranger !== undefined)
    for (const recipient of taken) refuse(recipient, 'author-not-own', { user: s.user, author: stranger });
  const agent = foreignAgent(s, read);
  if (stranger === undefined && agent !== undefined)
    for (const recipient of taken)
      refuse(recipient, 'agent-not-own', {
        user: s.user,
        agent: agent.address || 'somebody whose address cannot be read',
        field: agent.field,
      });
  if (taken.some(({ byRelay }) => byRelay) && !isOfTenant(s, tx.path, read))
    for (const recipient of taken.filter(({ byRelay }) => byRelay)) refuse(recipient, 'tenant-not-ours');
  const envelope = { id: tx.id, recipients: taken.map(addressOf) };
  const bench = benchFor(s, tx.ledger, tx.at, envelope, {
    content,
    header: read.header,
    ...(tx.walked?.inside === undefined ? {} : { inside: tx.walked.inside }),
  });
  for (const stage of ['data', 'content'] as const) {
    const going = taken.filter((recipient) => !refuses(recipient.course.disposition) || allStages(s));
    if (going.length === 0) break;
    tx.stages.push(stage);
    startChecks(instancesOf(s.policy, stage, ['session', 'transaction']), bench);
    const own = instancesOf(s.policy, stage, ['recipient']);
    for (const recipient of going) {
      const alone = { id: tx.id, recipients: [addressOf(recipient)] };
      startChecks(own, { ...bench, envelope: alone, ledger: recipient.ledger });
    }
    // A thousand recipients are a thousand times all rules: others come in between.
    for (let n = 0; n < going.length; n += BURST) {
      if (n > 0) await turn();
      await Promise.all(going.slice(n, n + BURST).map((recipient) => askOne(stage, recipient, bench)));
    }
  }
  return conclude(s, tx, taken, { content, read, began, left });
}

/** Once, and no other word (RFC 8689 §5). */
function saysTlsOptional({ fields }: HeaderFacts): boolean {
  const [only, another] = fields.filter(({ name }) => name === 'tls-required');
  return another === undefined && only?.value.trim().toLowerCase() === 'no';
}

const addressOf = ({ recipient }: RecipientState): string => recipient.mailbox.address;

/** Recipients in one turn of the event loop. */
const BURST = 50;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function askOne(stage: Stage, recipient: RecipientState, shared: Bench): Promise<void> {
  const bench = { ...shared, ledger: recipient.ledger };
  const decision = await decideStage(stage, bench, recipient.carry);
  keep(recipient, decision);
  recipient.carry = decision.carry;
  become(recipient, await patiently(decision.disposition, recipient, bench), stage);
}

async function patiently(said: Disposition, recipient: RecipientState, bench: Bench): Promise<Disposition> {
  const mail = bench.ledger.edge('mail') as { readonly address: string };
  const message = {
    sender: mail.address,
    recipient: recipient.recipient.mailbox.address,
    sha256: bench.message?.content.sha256 ?? '',
  };
  if (!(await isPatienceOver(said, message, bench.world.state, bench.now))) return said;
  recipient.ledger.state('patience', 'over');
  return afterPatience(said);
}

function refuse(recipient: RecipientState, word: BuiltinWord, fill: { readonly [name: string]: string } = {}): void {
  const reply = builtinReply(word, fill);
  become(
    recipient,
    { kind: reply.code >= 500 ? 'reject' : 'defer', by: `builtin:${word}`, reply, speak: 'rcpt' },
    'data',
  );
}

interface Message {
  readonly content: SpooledContent;
  readonly read: HeaderFacts;
  /** When it was whole, monotonic. */
  readonly began: Millis;
  readonly left: AbortSignal;
}

/** One reply for all, an outcome each, the record, and where something is promised the commit before the 250. */
async function conclude(
  s: SessionState,
  tx: TransactionState,
  taken: readonly RecipientState[],
  { content, read, began, left }: Message,
): Promise<Taken> {
  await tx.ledger.quiet();
  const standing = senderStanding(s, tx);
  const settled = settle(
    taken.map((recipient) => recipient.course.disposition),
    s.listener.mixed,
    (place) => mayTell(s, tx, taken[place]!, standing),
  );
  const [only] = taken;
  const reply =
    settled.reply.kind === 'accepted'
      ? queuedReply(tx.id)
      : refusalReply(settled.reply.reply, tx.id, taken.length === 1 ? only?.number : 0);
  taken.forEach((recipient, index) => {
    recipient.outcome = settled.outcomes[index]?.outcome ?? 'none';
    recipient.why = settled.outcomes[index]?.why ?? '';
    recipient.reply = reply;
  });
  tx.replies.push({ to: 'content', reply });
  if (settled.reply.kind === 'accepted') {
    mergeDuplicates(taken);
    await carryOut(s, tx, taken, content, read);
  }
  await carryOutOrders(s, tx);
  const record = await transactionRecord(s, tx);

  if (settled.reply.kind !== 'accepted') {
    s.world.records.append(record, []);
    await s.world.content.discard(content);
    return { reply };
  }
  let admitting: Admission | undefined;
  try {
    admitting = await admission(s, tx, content, read, record, standing, s.world.claim());
    const leases = await s.world.queue.admit(admitting);
    const awaited = awaitedOf(s, tx, taken, admitting, leases, began);
    const word = awaited && s.world.words?.await(awaited, left);
    s.world.admitted(leases, awaited);
    if (tx.path.kind === 'null')
      await noteBounces(s.world.state, taken, tx.at).catch(
        (error: unknown) => s.world.log.error('bounce.uncounted', { id: tx.id, error: String(error) }), // what was promised stays so
      );
    return word === undefined ? { reply } : { reply, word };
  } catch (error) {
    for (const told of admitting?.notifications ?? []) await s.world.content.discard(told.content);
    return { reply: await unkept(s, tx, taken, content, error) };
  }
}

/** The store could not keep it: nothing is promised, and the record says so if it can. */
async function unkept(
  s: SessionState,
  tx: TransactionState,
  taken: readonly RecipientState[],
  content: SpooledContent,
  error: unknown,
): Promise<Reply> {
  s.world.log.error('store.refused', { id: tx.id, error: error instanceof Error ? error.message : String(error) });
  const full = error instanceof StoreError && error.kind === 'quarantine-full';
  const word: BuiltinWord = full ? 'quarantine-full' : 'store-unavailable';
  for (const recipient of taken) {
    refuse(recipient, word);
    recipient.outcome = 'deferred';
  }
  const reply = refusalReply(builtinReply(word), tx.id);
  tx.replies.splice(-1, 1, { to: 'content', reply });
  for (const recipient of taken) recipient.reply = reply;
  s.world.records.append(await transactionRecord(s, tx), []);
  await s.world.content.discard(content);
  return reply;
}
