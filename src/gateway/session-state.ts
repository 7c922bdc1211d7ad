/** What a session knows before and between transactions; the files of this floor work on it. */

import type { RelayFor } from '../config/installation.ts';
import { isPrivate, networkOf, parseIp } from '../mail/ip.ts';
import type { Reply } from '../mail/reply.ts';
import { ruleOf } from '../policy/course.ts';
import { type Carry, type Disposition, NOTHING_CARRIED } from '../policy/disposition.ts';
import type { FactValue } from '../policy/facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { Stage } from '../policy/stage.ts';
import type { SentReply, StageDecision, Verdictum } from '../record/record.ts';
import type { ClientInfo, TlsInfo } from '../smtp/receive/session.ts';
import { Questions } from './evidence.ts';
import { Ledger } from './ledger.ts';
import type { Bench } from './run-check.ts';
import type { Current, OpenListener, World } from './world.ts';

export interface SessionState {
  readonly world: World;
  readonly current: Current;
  readonly policy: Policy;
  readonly listener: OpenListener;
  readonly client: ClientInfo;
  readonly id: string;
  readonly at: number;
  readonly started: number;
  trusted: boolean;
  readonly connect: Ledger;
  greeting: Ledger;
  helo: { verb: 'HELO' | 'EHLO' | ''; name: string };
  tls: TlsInfo | undefined;
  user: string;
  /** The user's own addresses, as its source knows them. */
  addresses: readonly string[];
  /** Providers by whose certificate the client came. */
  relayFor: readonly RelayFor[];
  readonly decisions: StageDecision[];
  readonly calls: { [call: string]: FactValue };
  readonly replies: SentReply[];
  readonly stages: Stage[];
  carry: Carry;
  /** Found at connect or helo, spoken at RCPT (docs/policy.md §3). */
  refusal:
    | { readonly disposition: Extract<Disposition, { kind: 'reject' | 'defer' }>; readonly stage: Stage }
    | undefined;
  end: Verdictum | null;
  transactions: number;
}

export function newSessionState(world: World, listener: OpenListener, client: ClientInfo): SessionState {
  const current = world.current();
  const policy = current.policies.get(listener.policy);
  if (policy === undefined)
    throw new RangeError(
      `Cannot open a session on "${listener.name}" as its policy "${listener.policy}" must be loaded`,
    );
  const ip = parseIp(client.ip);
  const trusted = ip !== undefined && client.unnamed === undefined && listener.trusted.has(ip);
  const connect = new Ledger(undefined, new Questions(current.installation.limits.dnsQuestions));
  const at = world.clock.now();
  connect.state('client', {
    ip: client.ip,
    port: client.port,
    network: ip === undefined ? client.ip : networkOf(ip),
    ...(client.name === '' ? {} : { name: client.name }),
    private: ip === undefined || isPrivate(ip),
    user: '',
    trusted,
  });
  connect.state('listener', listener.name);
  connect.state('now', Math.floor(at / 1000));
  return {
    world,
    current,
    policy,
    listener,
    client,
    id: world.newId(),
    at,
    started: world.clock.elapsed(),
    trusted,
    connect,
    greeting: connect,
    helo: { verb: '', name: '' },
    tls: undefined,
    user: '',
    addresses: [],
    relayFor: [],
    decisions: [],
    calls: {},
    replies: [],
    stages: [],
    carry: NOTHING_CARRIED,
    refusal: undefined,
    end: null,
    transactions: 0,
  };
}

export const allStages = (s: SessionState): boolean => s.world.rehearsal?.allStages === true;

export const instancesOf = (
  policy: Policy,
  stage: Stage,
  scopes: readonly ('session' | 'transaction' | 'recipient')[],
) => policy.checks.filter((instance) => instance.stage === stage && scopes.includes(instance.scope));

export function benchFor(
  s: SessionState,
  ledger: Ledger,
  now: number,
  envelope: Bench['envelope'],
  message?: Bench['message'],
): Bench {
  return {
    world: s.world,
    policy: s.policy,
    hostname: s.current.installation.hostname,
    limits: s.current.installation.limits,
    services: s.current.services,
    envelope,
    ledger,
    now,
    helo: s.helo,
    message,
  };
}

export function verdictum(
  disposition: Extract<Disposition, { kind: 'reject' | 'defer' }>,
  stage: Stage,
  reply: Reply,
): Verdictum {
  return { verdict: disposition.kind, rule: ruleOf(disposition.by), reason: disposition.by, stage, reply };
}
