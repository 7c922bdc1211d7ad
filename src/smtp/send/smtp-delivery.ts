/** Delivery by SMTP or LMTP: the hosts of a route in their order, a result for every recipient. */
import { type Millis, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Consignment, Delivery } from '../../ports/delivery.ts';
import type { Dial } from '../../ports/dial.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { flowOf } from '../../queue/flow.ts';
import { sayHost } from '../../queue/host.ts';
import type { HostAddress, Route } from '../../queue/route.ts';
import type { AttemptResult, HandedTo } from '../../queue/transition.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { type Approached, approach, leave, type Peer } from './peer.ts';
import { Pool } from './pool.ts';
import { type Answer, transact } from './transaction.ts';

/** A host that could not be reached is asked after the others for this long. */
const DOWN: Millis = seconds(60);

type HostsRoute = Route & { readonly kind: 'hosts' };

export class SmtpDelivery implements Delivery {
  readonly #dial: Dial;
  readonly #hostname: string;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #pool = new Pool();
  readonly #downUntil = new Map<string, Millis>();

  constructor(dial: Dial, hostname: string, clock: Clock, deadlines: Deadlines = DEADLINES) {
    this.#dial = dial;
    this.#hostname = hostname;
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  /**
   * A 5yz is final. After a 4yz, a host that cannot be reached or a line that breaks before the final dot, the next host is
   * asked for the recipients that are left, as Postfix does. After the dot there is no other host.
   */
  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    const { route, entries } = consignment;
    if (route.kind !== 'hosts') throw new RangeError(`Cannot deliver by SMTP as route "${route.name}" must name hosts`);
    const results: (AttemptResult | undefined)[] = entries.map(() => undefined);
    let left = entries.map((_, n) => n);
    for (const address of this.#order(route, entries[0]!)) {
      const host = sayHost(address);
      const asked = { ...consignment, entries: left.map((n) => entries[n]!) };
      const answers = await this.#ask(route, address, host, asked, signal);
      left = left.filter((n, index) => {
        results[n] = answers[index]!;
        return results[n].kind === 'transient';
      });
      if (left.length === 0 || signal.aborted) break;
    }
    return results as AttemptResult[];
  }

  async close(): Promise<void> {
    this.#pool.close();
  }

  #order(route: HostsRoute, entry: QueueEntry): readonly HostAddress[] {
    const only = route.hosts.find((address) => sayHost(address) === entry.last?.onlyAt);
    if (only !== undefined) return [only];
    const now = this.#clock.elapsed();
    const isDown = (address: HostAddress) => (this.#downUntil.get(sayHost(address)) ?? 0) > now;
    return [...route.hosts.filter((address) => !isDown(address)), ...route.hosts.filter(isDown)];
  }

  async #ask(
    route: HostsRoute,
    address: HostAddress,
    host: string,
    parcel: Consignment,
    signal: AbortSignal,
  ): Promise<AttemptResult[]> {
    // A line is as its route was when it was opened: after a reload, one without TLS must not serve a route that wants it.
    const key = [route.name, host, route.protocol, route.tls, route.auth?.user].join(' ');
    const kept = this.#pool.take(key);
    if (kept !== undefined) {
      const answers = await this.#send(key, kept, parcel, signal);
      // A line that was idle may have been closed while the command was on its way: that says nothing about the host.
      if (!answers.every(saysNothing) || signal.aborted) return answers.map((answer) => resultOf(answer, kept));
    }
    const approached = await this.#approach(route, address, host, signal);
    if (approached.kind === 'unusable') {
      const { why, reply } = approached;
      // A refusal to talk, 5yz as well, is about this host and this moment, not about the message (RFC 5321 §4.2.4.2).
      const soft = reply && { ...reply, code: reply.code >= 500 ? reply.code - 100 : reply.code };
      return parcel.entries.map(() => ({ kind: 'transient', host, reply: soft && downgrade(soft), cause: why }));
    }
    const { peer } = approached;
    return (await this.#send(key, peer, parcel, signal)).map((answer) => resultOf(answer, peer));
  }

  async #approach(route: HostsRoute, address: HostAddress, host: string, signal: AbortSignal): Promise<Approached> {
    const { protocol, tls, auth } = route;
    const to = { address, host, protocol, tls, auth, hostname: this.#hostname, deadlines: this.#deadlines };
    const approached = await approach(this.#dial, to, signal);
    if (approached.kind === 'open') this.#downUntil.delete(host);
    else if (!signal.aborted) this.#downUntil.set(host, this.#clock.elapsed() + DOWN);
    return approached;
  }

  async #send(key: string, peer: Peer, parcel: Consignment, signal: AbortSignal): Promise<Answer[]> {
    const answers = await transact(peer, parcel, signal);
    peer.messages += 1;
    // 421 announces that the host hangs up (RFC 5321 §3.8).
    const closes = answers.some((answer) => answer.kind === 'refused' && answer.reply.code === 421);
    if (closes) leave(peer.conversation);
    else this.#pool.give(key, peer, flowOf(parcel.route).reuse);
    return answers;
  }
}

const saysNothing = (answer: Answer): boolean =>
  answer.kind === 'broken' || (answer.kind === 'refused' && answer.reply.code === 421);

/** The enhanced code follows the code's class (RFC 2034 §4). */
const downgrade = (reply: { readonly code: number; readonly enhanced: string; readonly text: string }) => ({
  ...reply,
  enhanced: reply.enhanced.replace(/^5/, '4'),
});

function resultOf(answer: Answer, peer: Peer): AttemptResult {
  const { host } = peer;
  switch (answer.kind) {
    case 'taken':
      return { kind: 'delivered', host, reply: answer.reply, to: handedTo(peer) };
    case 'refused':
      if (answer.reply.code >= 500) return { kind: 'permanent', host, reply: answer.reply };
      return { kind: 'transient', host, reply: answer.reply, cause: '' };
    case 'broken':
      return { kind: 'transient', host, reply: null, cause: answer.why };
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
