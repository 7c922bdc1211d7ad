/** Asks one host to take a message: over a line that is open, or a new one, in as many transactions as the host's limits need. */

import type { ClientIdentity, IdentityOf } from '../../ports/client-identity.ts';
import type { Consignment } from '../../ports/delivery.ts';
import type { Dial } from '../../ports/dial.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { flowOf } from '../../queue/flow.ts';
import type { HostsRoute, MxRoute, TlsLevel } from '../../queue/route.ts';
import type { HandedTo } from '../../queue/transition.ts';
import type { Candidate } from './candidate.ts';
import { type Deadlines, withinTalk } from './deadlines.ts';
import type { Down } from './down.ts';
import { identityKey, NO_IDENTITY } from './identity.ts';
import type { HostResult } from './outcomes.ts';
import { type Approached, approach, type Peer } from './peer.ts';
import { Pool } from './pool.ts';
import { nextPortion } from './portions.ts';
import { demandKey, demandOf, type TlsDemand, type TlsWorld } from './tls-demand.ts';
import { type Answer, transact } from './transaction.ts';

/** What is demanded of the host, and whom we are to it. */
interface Encryption {
  readonly demand: TlsDemand;
  readonly identity: ClientIdentity | undefined;
}

export interface HostsWorld extends TlsWorld {
  readonly dial: Dial;
  readonly hostname: string;
  readonly identityOf: IdentityOf;
}

export class Hosts {
  readonly #dial: Dial;
  readonly #hostname: string;
  readonly #deadlines: Deadlines;
  readonly #down: Down;
  readonly #pool = new Pool();
  readonly #tls: TlsWorld;
  readonly #identityOf: IdentityOf;

  constructor({ dial, hostname, identityOf, ...tls }: HostsWorld, deadlines: Deadlines, down: Down) {
    this.#dial = dial;
    this.#hostname = hostname;
    this.#tls = tls;
    this.#identityOf = identityOf;
    this.#deadlines = deadlines;
    this.#down = down;
  }

  close(): void {
    this.#pool.close();
  }

  async ask(
    route: HostsRoute | MxRoute,
    candidate: Candidate,
    parcel: Consignment,
    signal: AbortSignal,
  ): Promise<HostResult[]> {
    const { within, done } = withinTalk(this.#deadlines, parcel.size, signal);
    return this.#ask(route, candidate, parcel, within).finally(done);
  }

  async #ask(
    route: HostsRoute | MxRoute,
    candidate: Candidate,
    parcel: Consignment,
    signal: AbortSignal,
  ): Promise<HostResult[]> {
    const wish = parcel.entries[0]?.tls;
    const demanded = await demandOf(levelFor(route, candidate), candidate, wish, this.#tls, signal);
    if (demanded.kind === 'kept-from') {
      const cause = `TLS: ${demanded.why}`;
      return parcel.entries.map(() => ({ kind: 'transient', host: candidate.host, reply: null, cause }));
    }
    const identity = route.certificate && this.#identityOf(route.certificate);
    if (route.certificate !== undefined && identity === undefined)
      return parcel.entries.map(() => ({ kind: 'transient', host: candidate.host, reply: null, cause: NO_IDENTITY }));
    const tls = { demand: demanded.demand, identity };
    const results: HostResult[] = [];
    while (results.length < parcel.entries.length) {
      const entries = parcel.entries.slice(results.length);
      const came = await this.#askSome(route, candidate, tls, { ...parcel, entries }, signal);
      results.push(...came);
      // A host that does not talk, or hangs up, does not for the others either: the rest is put off with the first.
      const first = came[0]!;
      if (first.kind === 'transient' && (first.reply === null || first.reply.code === 421 || !first.talked))
        results.push(...parcel.entries.slice(results.length).map(() => first));
    }
    return results;
  }

  /** At least the first recipient, and as many more as go with it. */
  async #askSome(
    route: HostsRoute | MxRoute,
    candidate: Candidate,
    tls: Encryption,
    parcel: Consignment,
    signal: AbortSignal,
  ): Promise<HostResult[]> {
    const key = keyOf(route, candidate, tls);
    const kept = this.#pool.take(key);
    if (kept !== undefined) {
      const portion = nextPortion(kept, parcel.entries);
      const answers = portion.length === 0 ? [] : await this.#send(key, kept, parcel, portion, signal);
      if (portion.length === 0) kept.conversation.leave();
      // A line that was idle may have been closed while the command was on its way: that says nothing about the host.
      if (answers.length > 0 && (!answers.every(saysNothing) || signal.aborted))
        return answers.map((answer) => resultOf(answer, kept));
    }
    const approached = await this.#approach(route, candidate, tls, signal);
    if (approached.kind === 'unusable') {
      const { why, reply } = approached;
      // A refusal to talk, 5yz as well, is about this host and this moment, not about the message (RFC 5321 §4.2.4.2).
      return parcel.entries.map(() => ({ kind: 'transient', host: candidate.host, reply, cause: why }));
    }
    const { peer } = approached;
    // A fresh line takes at least one, as no limit is less.
    const portion = nextPortion(peer, parcel.entries);
    return (await this.#send(key, peer, parcel, portion, signal)).map((answer) => resultOf(answer, peer));
  }

  async #approach(
    route: HostsRoute | MxRoute,
    { address, host, name }: Candidate,
    { demand, identity }: Encryption,
    signal: AbortSignal,
  ): Promise<Approached> {
    const { source } = route;
    const { protocol, auth } = route.kind === 'hosts' ? route : { protocol: 'smtp' as const, auth: null };
    const us = { hostname: this.#hostname, source, identity, deadlines: this.#deadlines };
    const to = { address, host, name, protocol, tls: demand, auth, ...us };
    const approached = await approach(this.#dial, to, signal);
    if (approached.kind === 'open') this.#down.reached(host);
    else if (!signal.aborted) this.#down.missed(host);
    return approached;
  }

  async #send(
    key: string,
    peer: Peer,
    parcel: Consignment,
    entries: readonly QueueEntry[],
    signal: AbortSignal,
  ): Promise<Answer[]> {
    const open = (stop: AbortSignal) => parcel.open(stop);
    const answers = await transact(peer, { entries, size: parcel.size, open }, signal);
    peer.messages += 1;
    for (const { domain } of entries) peer.domains.add(domain);
    // 421 announces that the host hangs up (RFC 5321 §3.8).
    const closes = answers.some((answer) => answer.kind === 'refused' && answer.reply.code === 421);
    if (closes) peer.conversation.leave();
    else this.#pool.give(key, peer, flowOf(parcel.route).reuse);
    return answers;
  }
}

/** Zones and policies speak of the hosts of a domain; a relay that takes their place is not among them. */
const levelFor = ({ kind, tls }: HostsRoute | MxRoute, { found }: Candidate): TlsLevel =>
  kind === 'mx' && found.by === 'operator' && (tls === 'dane' || tls === 'mta-sts') ? 'opportunistic' : tls;

/** A line is as its route was when it was opened: after a reload, one without TLS must not serve a route that wants it. */
function keyOf(route: HostsRoute | MxRoute, { host }: Candidate, { demand, identity }: Encryption): string {
  const { name, source } = route;
  const by = route.kind === 'hosts' ? [route.protocol, route.auth?.user] : ['smtp'];
  return [name, host, demandKey(demand), identityKey(identity), source?.v4, source?.v6, ...by].join(' ');
}

const saysNothing = (answer: Answer): boolean =>
  answer.kind === 'broken' || (answer.kind === 'refused' && answer.reply.code === 421);

function resultOf(answer: Answer, peer: Peer): HostResult {
  const { host } = peer;
  switch (answer.kind) {
    case 'taken':
      return {
        kind: 'delivered',
        host,
        reply: answer.reply,
        to: handedTo(peer),
        ...(peer.security === '' ? {} : { security: peer.security }),
      };
    case 'refused':
      if (answer.reply.code >= 500) return { kind: 'permanent', host, reply: answer.reply };
      return { kind: 'transient', host, reply: answer.reply, cause: '', talked: true };
    case 'beyond':
      // Our own words, though they are about that host.
      return { kind: 'permanent', host: '', reply: answer.reply, beyond: true };
    case 'broken':
      return { kind: 'transient', host, reply: null, cause: answer.why, talked: true };
    case 'indeterminate':
      return { kind: 'indeterminate', host, cause: answer.why };
    case 'unsendable':
      // RFC 3463 §3.7: X.6.0, something about the content. No host said so.
      return { kind: 'permanent', host: '', reply: { code: 554, enhanced: '5.6.0', text: answer.why } };
  }
}

function handedTo(peer: Peer): HandedTo {
  if (peer.protocol === 'lmtp') return 'mailbox';
  return peer.can.dsn ? 'dsnRelay' : 'relay';
}
