/** RCPT: relay control, the recipient source and the policy's rcpt rules, in an order that tells nobody who exists before the policy says so. */
import type { Mailbox, Recipient } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import { hours } from '../mail/time.ts';
import { advance, refuses } from '../policy/course.ts';
import type { Disposition } from '../policy/disposition.ts';
import { spares } from '../policy/postmaster.ts';
import { WIRE_REFUSALS } from '../smtp/receive/refusals.ts';
import { relaysFor, senderOf, sendsAsItself } from './auth/standing.ts';
import { isSuspended } from './auth/suspension.ts';
import { type BuiltinWord, builtinReply } from './builtin.ts';
import { recipientFacts } from './edge.ts';
import { refusalReply } from './replies.ts';
import { routeTo } from './routing.ts';
import { decideStage, startChecks } from './run-stage.ts';
import { allStages, benchFor, instancesOf, type SessionState } from './session-state.ts';
import { keep, newRecipient, type RecipientState, type TransactionState } from './transaction.ts';
import { takesOfAll } from './way.ts';
import { askingOf, type Found } from './world.ts';

/** Messages an hour from one network to postmaster and abuse, who are exempt from the policy's own limits (docs/policy.md §2). */
const POSTMASTER_RATE = 60;

export async function takeRecipient(s: SessionState, tx: TransactionState, asked: Recipient): Promise<Reply> {
  const { installation, directory } = s.current;
  if (tx.recipients.length >= installation.limits.recipients) return tooManyRecipients(tx);
  const recipient = { ...asked, mailbox: whole(asked.mailbox, s) };
  const mailbox = recipient.mailbox;
  const domain = installation.domains.get(mailbox.domain);
  const from = { sender: tx.path, user: s.user };
  const route = routeTo(mailbox, from, installation);
  const state = newRecipient(tx, recipient, route, domain !== undefined);
  tx.recipients.push(state);
  if (!tx.stages.includes('rcpt')) tx.stages.push('rcpt');

  const found = domain === undefined ? NOT_OURS : await directory.resolve(mailbox, askingOf(s.world.rehearsal));
  const settings = s.policy.settings(mailbox.address, mailbox.domain);
  state.ledger.state('recipient', recipientFacts(mailbox, found, state.hosted, state.route));
  state.ledger.state('settings', settings.values);
  state.ledger.state('tenant', settings.tenant);

  // Never a relay for strangers: no rule is asked about it (docs/policy.md §2).
  // Nor where no route leads: a user may come by XCLIENT to a listener that relays for nobody else, and has no default route.
  state.byRelay = !state.hosted && !s.trusted && s.user === '' && relaysFor(s, tx.path);
  const mayRelay = state.hosted || (state.route !== '' && (s.trusted || s.user !== '' || state.byRelay));
  if (found.source === 'srs' && found.result === 'known' && tx.path.kind !== 'null')
    return end(s, tx, state, 'bounces-only', { address: mailbox.address });
  const stands = found.targets ?? [];
  const tooMany = stands.length > 1 && isTooMany(tx, stands.length, installation.limits.recipients);
  if (!tooMany && (stands.length > 1 || stands.some(({ address }) => address !== mailbox.address)))
    state.targets = stands.map((to) => ({
      mailbox: to,
      route: routeTo(to, from, installation),
      by: `builtin:${found.source === 'srs' ? 'srs' : 'alias'}`,
    }));
  if (!mayRelay) return end(s, tx, state, 'relay-denied', { domain: mailbox.domain, address: mailbox.address });

  await askPolicy(s, tx, state);
  if (refuses(state.course.disposition) && !allStages(s)) return spoken(tx, state);

  if (!refuses(state.course.disposition)) {
    const suspended = s.user === '' ? undefined : await isSuspended(s.world.state, s.user, tx.at);
    if (suspended !== undefined)
      return end(s, tx, state, 'user-suspended', { user: s.user, until: new Date(suspended.until).toISOString() });
    if (!sendsAsItself(s, tx.path))
      return end(s, tx, state, 'sender-not-own', { user: s.user, sender: senderOf(tx.path) });
    if (state.hosted && !found.listed && routesOn(mailbox.local))
      return end(s, tx, state, 'routed-recipient', { address: mailbox.address });
    if (state.hosted && !found.listed && isUnsafe(mailbox.local))
      return end(s, tx, state, 'unsafe-recipient', { address: mailbox.address });
    if (found.result === 'unknown') return end(s, tx, state, 'unknown-recipient', { address: mailbox.address });
    if (state.hosted && found.result === 'unsure')
      return end(s, tx, state, 'recipient-unsure', { address: mailbox.address });
    if (tooMany) return end(s, tx, state, 'stands-for-too-many', { address: mailbox.address });
    const takes = takesOfAll(state, installation);
    if (tx.parameters.utf8 === true && !takes.utf8)
      return end(s, tx, state, 'route-takes-no-utf8', { address: mailbox.address });
    if ((tx.parameters.size ?? 0) > takes.sizeBytes)
      return end(s, tx, state, 'too-large-for-recipient', { size: String(takes.sizeBytes) });
    if (s.listener.mixed === 'split' && differs(tx, state)) return end(s, tx, state, 'settings-differ', {});
    if (isPostmaster(mailbox.local) && (await tooOften(s, tx))) return end(s, tx, state, 'postmaster-rate', {});
  }
  state.taken = true;
  return record(tx, state.reply);
}

const NOT_OURS: Found = { result: 'unsure', source: '', listed: false, by: '' };

/**
 * Whether a next hop could read a further address out of it: the percent hack, a bang path, an address in quotes. Compared
 * in compatibility form, as a full-width ＠ may become an @ on the way.
 */
const routesOn = (local: string): boolean => /[%!@]/.test(local.normalize('NFKC'));

/** Whether a next hop that hands names to programs could take it for an option, a command or a file (sendmail's `|` and `/`). */
const isUnsafe = (local: string): boolean => /^[-|/]/.test(local.normalize('NFKC').trimStart());

/** `<postmaster>` without a domain is always taken (RFC 5321 §4.5.1): it is the first hosted domain's. */
function whole(mailbox: Mailbox, s: SessionState): Mailbox {
  const [domain] = s.current.installation.domains.keys();
  if (mailbox.domain !== '' || domain === undefined) return mailbox;
  return { local: mailbox.local, domain, address: `${mailbox.local}@${domain}` };
}

/** Refused ones count too: whoever tries names goes on in another transaction, and no record grows without end. */
function tooManyRecipients(tx: TransactionState): Reply {
  const reason = 'too-many-recipients';
  const reply = refusalReply(WIRE_REFUSALS[reason].reply, tx.id);
  if (!tx.replies.some((sent) => sent.reason === reason)) tx.replies.push({ to: 'RCPT', reply, reason });
  return reply;
}

/** An alias counts as all it stands for, or a stranger would make half a million messages of one. Alone it always may be. */
function isTooMany({ recipients }: TransactionState, more: number, most: number): boolean {
  const taken = recipients.filter((one) => one.taken);
  return taken.length > 0 && taken.reduce((sum, { targets }) => sum + Math.max(targets.length, 1), more) > most;
}

async function askPolicy(s: SessionState, tx: TransactionState, state: RecipientState): Promise<void> {
  const kept = s.refusal;
  if (kept !== undefined && !spares(s.policy, kept.disposition, state.ledger.edge('recipient')))
    become(state, kept.disposition, kept.stage);
  else if (tx.end !== null && refuses(endAsDisposition(tx))) become(state, endAsDisposition(tx), 'mail');
  if (refuses(state.course.disposition) && !allStages(s)) return;
  const shared = benchFor(s, tx.ledger, tx.at, { id: tx.id, recipients: [state.recipient.mailbox.address] });
  if (!tx.recipients.some((other) => other !== state && other.decisions.some((decision) => decision.stage === 'rcpt')))
    startChecks(
      instancesOf(s.policy, 'rcpt', ['session', 'transaction']).filter(
        (instance) => tx.ledger.ended(instance.name) === undefined && tx.ledger.running(instance.name) === undefined,
      ),
      shared,
    );
  const bench = { ...shared, ledger: state.ledger };
  startChecks(instancesOf(s.policy, 'rcpt', ['recipient']), bench);
  const decision = await decideStage('rcpt', bench, state.carry);
  keep(state, decision);
  state.carry = decision.carry;
  become(state, decision.disposition, 'rcpt');
}

const endAsDisposition = (tx: TransactionState): Disposition =>
  tx.end === null
    ? { kind: 'continue' }
    : { kind: tx.end.verdict === 'defer' ? 'defer' : 'reject', by: tx.end.reason, reply: tx.end.reply, speak: 'rcpt' };

/** Takes over what a stage said. */
export function become(
  state: RecipientState,
  disposition: Disposition,
  stage: RecipientState['course']['stage'],
): void {
  state.course = advance(state.course, disposition, stage);
  if (refuses(state.course.disposition)) state.reply = state.course.disposition.reply;
}

/** A refusal that no rule made. */
function end(
  s: SessionState,
  tx: TransactionState,
  state: RecipientState,
  word: BuiltinWord,
  fill: { readonly [name: string]: string },
): Reply {
  const reply = builtinReply(word, fill);
  become(state, { kind: reply.code >= 500 ? 'reject' : 'defer', by: `builtin:${word}`, reply, speak: 'rcpt' }, 'rcpt');
  const answer = spoken(tx, state);
  state.taken = allStages(s);
  return answer;
}

function spoken(tx: TransactionState, state: RecipientState): Reply {
  state.reply = refusalReply(state.reply, tx.id, state.number);
  state.outcome = state.course.disposition.kind === 'reject' ? 'refused' : 'deferred';
  return record(tx, state.reply);
}

function record(tx: TransactionState, reply: Reply): Reply {
  tx.replies.push({ to: 'RCPT', reply });
  return reply;
}

/** A recipient whose settings are not the first one's would share its reply to DATA: another transaction gives it its own. */
function differs(tx: TransactionState, state: RecipientState): boolean {
  const first = tx.recipients.find((other) => other.taken);
  if (first === undefined) return false;
  const settings = (one: RecipientState): string => JSON.stringify(one.ledger.edge('settings'));
  return settings(first) !== settings(state);
}

const isPostmaster = (local: string): boolean => /^(postmaster|abuse)(\+|$)/i.test(local);

async function tooOften(s: SessionState, tx: TransactionState): Promise<boolean> {
  const network = (s.connect.edge('client') as { readonly network: string }).network;
  return (await s.world.state.hit('postmaster', network, tx.at, hours(1), 1)) > POSTMASTER_RATE;
}
