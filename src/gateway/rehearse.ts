/** Runs one made-up transaction through the same session as the gateway's, with the world replaced: `explain`, `test` and replay. */
import { parsePath } from '../mail/address.ts';
import type { Mailbox, ReversePath } from '../mail/envelope.ts';
import { parseIp, parseRange, RangeSet } from '../mail/ip.ts';
import type { Timestamp } from '../mail/time.ts';
import type { Policy } from '../policy/policy.ts';
import type { Admission } from '../ports/queue.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { StateStore } from '../ports/state.ts';
import type { TransactionRecord } from '../record/record.ts';
import type { Scenario } from '../record/scenario.ts';
import { IncomingMessage } from '../smtp/receive/incoming-message.ts';
import { RECEIVE_LIMITS } from '../smtp/receive/limits.ts';
import type { Session, Spoken } from '../smtp/receive/session.ts';
import { Spooling } from '../smtp/receive/spooling.ts';
import { wireRefusal } from '../smtp/receive/wire-refusal.ts';
import { answerTroubles, completeAnswers } from './given-answers.ts';
import { offerOf } from './offer.ts';
import { believing, logsIn, parametersOf, refusalAtMail, tlsOf } from './rehearse-client.ts';
import { openSession } from './session.ts';
import type { OpenListener, World } from './world.ts';

/** A rehearsal's world: everything but time, state, DNS and the store, which the scenario decides. */
export type Stagehand = Pick<World, 'checks' | 'log' | 'current' | 'newId' | 'content'> & {
  /** Runs on for durations; its wall time is the scenario's `now`. */
  readonly clock: World['clock'];
};

export interface Props {
  readonly resolver: Resolver;
  readonly state: StateStore;
  /** The message's octets as they would come after DATA, unstuffed; undefined: stop after rcpt. */
  readonly message: Uint8Array | undefined;
}

export interface Rehearsed {
  readonly record: TransactionRecord;
  readonly policy: Policy;
  /** What would have been committed, when the message was taken. */
  readonly admission: Admission | undefined;
}

export async function rehearse(scenario: Scenario, hand: Stagehand, props: Props): Promise<Rehearsed> {
  const records: TransactionRecord[] = [];
  let admission: Admission | undefined;
  const at = timeOf(scenario.now) ?? hand.clock.now();
  const answers = answersOf(scenario, hand);
  const current = { ...hand.current(), logins: believing(scenario, hand.current()) };
  const world: World = {
    ...hand,
    current: () => current,
    clock: {
      ...hand.clock,
      now: () => at,
      elapsed: () => hand.clock.elapsed(),
      sleep: (span, signal) => hand.clock.sleep(span, signal),
    },
    resolver: props.resolver,
    state: props.state,
    queue: {
      admit: async (what) => {
        admission = what;
        records.push(what.record);
        return [];
      },
      suspensions: async () => [],
      suspend: async () => {},
    },
    records: { append: (record) => void records.push(record) },
    claim: () => undefined,
    admitted: () => {},
    words: undefined,
    signingKeys: undefined,
    rehearsal: {
      live: scenario.live === true,
      allStages: scenario.all_stages === true,
      answers,
    },
  };
  const listener = listenerOf(scenario, world);
  const session = openSession(world, listener, {
    ip: clientIp(scenario.client_ip),
    port: scenario.client_port ?? 0,
    name: scenario.client_name ?? '',
    serverIp: '',
    serverPort: 0,
  });
  await play(session, scenario, props, listener, world);
  session.close();
  // What ends without content is recorded behind: one turn of the loop after its last check.
  while (records.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const record = records.find((one) => one.kind === 'transaction') ?? records[0];
  const policy = hand.current().policies.get(listener.policy);
  if (record === undefined || policy === undefined)
    throw new RangeError('Cannot rehearse as a session must leave a record');
  return { record, policy, admission };
}

async function play(
  session: Session,
  scenario: Scenario,
  props: Props,
  listener: OpenListener,
  world: World,
): Promise<void> {
  if (ended(await session.greet(false))) return;
  const goesOn = scenario.all_stages === true;
  const tls = tlsOf(scenario, listener);
  if (tls !== undefined) session.tls(tls);
  if (ended(await session.helo('EHLO', scenario.helo ?? 'client.invalid'))) return;
  if (!(await logsIn(scenario, listener, session))) return;
  const owed = refusalAtMail(scenario, listener, tls !== undefined);
  if (owed !== undefined) session.refused(owed);
  if (owed !== undefined && !goesOn) return;
  const parameters = parametersOf(scenario, world.current(), listener, tls !== undefined, session);
  if (parameters === undefined && !goesOn) return;
  if (refused(await session.mail(reversePath(scenario.mail_from ?? ''), parameters ?? {}))) return;
  const rcpt = scenario.rcpt ?? (props.message === undefined ? [] : someone(world));
  let taken = 0;
  for (const address of rcpt)
    if (!refused(await session.rcpt({ mailbox: mailbox(address), parameters: {} }))) taken += 1;
  if (props.message === undefined) return;
  if (taken === 0 && !goesOn) return void session.refused(wireRefusal('no-recipients', 'DATA', 'DATA'));
  const data = await session.data();
  if (data.kind === 'refuse') return;
  const { installation } = world.current();
  const limits = { ...RECEIVE_LIMITS, ...installation.limits, ...offerOf(installation, listener) };
  const incoming = new IncomingMessage(data.writer, listener.newline, limits, new Spooling(limits.spoolingBytes));
  incoming.take(stuffed(props.message));
  if (incoming.full) await incoming.drained();
  if (incoming.refusal === undefined) await session.content(await incoming.finish());
  else session.refused(wireRefusal(incoming.refusal, 'content', ''));
}

/** Checks of every policy: what is given for a batch need not fit each line's. */
function answersOf({ answers = {} }: Scenario, { current, checks }: Stagehand): ReturnType<typeof completeAnswers> {
  const instances = [...current().policies.values()].flatMap((policy) => policy.checks);
  const [trouble] = answerTroubles(answers, instances, checks);
  if (trouble !== undefined)
    throw new RangeError(`Cannot rehearse with these answers as ${trouble.message}: ${trouble.remedy}`);
  return completeAnswers(answers, instances, checks);
}

/** RFC 5737's first network, where nothing is said of the client. */
function clientIp(text = '192.0.2.1'): string {
  const ip = parseIp(text);
  if (ip === undefined)
    throw new RangeError(`Cannot rehearse a client at "${text}" as client_ip must be an IPv4 or IPv6 address`);
  return ip.text;
}

/** A message without a recipient is asked about for one whom every hosted domain knows. */
function someone(world: World): string[] {
  const [domain] = world.current().installation.domains.keys();
  return domain === undefined ? [] : [`postmaster@${domain}`];
}

const ended = (spoken: Spoken): boolean => spoken.close;
const refused = (spoken: Spoken): boolean => spoken.reply.code >= 400;

/** As it would come over the wire, with its end (RFC 5321 §4.5.2): the receiver's own eyes then look at it. */
function stuffed(octets: Uint8Array): Uint8Array {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
  const lines = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
  return Buffer.from(`${lines.replace(/^\./, '..').replaceAll('\r\n.', '\r\n..')}.\r\n`, 'latin1');
}

/**
 * An address that SMTP's syntax refuses is taken as it stands: the wire would have answered 501, but whoever asks wants to
 * know what the checks would have found.
 */
function reversePath(text: string): ReversePath {
  const bare = text.replace(/^<|>$/g, '');
  return bare === '' ? { kind: 'null' } : { kind: 'mailbox', mailbox: mailbox(bare) };
}

function mailbox(text: string): Mailbox {
  const bare = text.replace(/^<|>$/g, '');
  const parsed = parsePath(`<${bare}>`, true, 'forward');
  if (parsed.kind === 'ok' && parsed.value.kind === 'mailbox') return parsed.value.mailbox;
  const at = bare.lastIndexOf('@');
  return at === -1
    ? { local: bare, domain: '', address: bare }
    : { local: bare.slice(0, at), domain: bare.slice(at + 1), address: bare };
}

/** The one that is named, else the only one, else the first. */
function listenerOf(scenario: Scenario, world: World): OpenListener {
  const { listeners } = world.current().installation;
  const found =
    scenario.listener === undefined ? listeners[0] : listeners.find((one) => one.name === scenario.listener);
  if (found === undefined)
    throw new RangeError(
      scenario.listener === undefined
        ? 'Cannot rehearse as the configuration must have a listener'
        : `Cannot rehearse on listener "${scenario.listener}" as it must be one of ${listeners.map((one) => one.name).join(', ')}`,
    );
  const ranges = found.trustedNetworks.map(parseRange).filter((range) => range !== undefined);
  return { ...found, trusted: new RangeSet(ranges) };
}

/** ISO 8601, or seconds since 1970. */
export function timeOf(now: string | number | undefined): Timestamp | undefined {
  if (now === undefined) return undefined;
  const at = typeof now === 'number' || /^\d+(\.\d+)?$/.test(now) ? Number(now) * 1000 : Date.parse(now);
  if (Number.isNaN(at))
    throw new RangeError(`Cannot read the time "${now}" as it must be ISO 8601 or seconds since 1970`);
  return at;
}

/** A file's or a scenario's text as octets of the wire: a text without any CRLF is one with the line ends of Unix. */
export function wireOctets(text: Uint8Array): Uint8Array {
  const octets = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  if (octets.includes('\r\n')) return octets;
  return Buffer.from(octets.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}
