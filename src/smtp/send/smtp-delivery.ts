/** Delivery by SMTP or LMTP: the hosts of a route, or those that DNS names, in their order; a result for every recipient. */

import type { IdentityOf } from '../../ports/client-identity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Consignment, Delivery } from '../../ports/delivery.ts';
import type { Dial } from '../../ports/dial.ts';
import type { HostsRoute, MxRoute } from '../../queue/route.ts';
import type { AttemptResult } from '../../queue/transition.ts';
import { byMx, type SearchWorld } from './by-mx.ts';
import { type Candidate, type Found, named } from './candidate.ts';
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { Down } from './down.ts';
import { HostOrder } from './host-order.ts';
import { Hosts } from './hosts.ts';
import { Outcomes } from './outcomes.ts';
import type { TlsWorld } from './tls-demand.ts';

/** Hosts by MX that may each put a message off before the attempt ends: they are of one mind, more often than not. */
const PUT_OFF_MAX = 4;

export interface SendWorld extends SearchWorld, TlsWorld {
  readonly dial: Dial;
  readonly clock: Clock;
  /** Of routes that name a certificate. */
  readonly identityOf: IdentityOf;
}

export class SmtpDelivery implements Delivery {
  readonly #world: SendWorld;
  readonly #hosts: Hosts;
  readonly #order: HostOrder;
  readonly #down: Down;

  constructor(world: SendWorld, deadlines: Deadlines = DEADLINES) {
    this.#world = world;
    this.#down = new Down(world.clock);
    this.#hosts = new Hosts(world, deadlines, this.#down);
    this.#order = new HostOrder(world.random);
  }

  /**
   * A 5yz is final. After a 4yz, a host that cannot be reached or a line that breaks before the final dot, the next host is
   * asked for the recipients that are left, as Postfix does. After the dot there is no other host.
   */
  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    const { route, entries } = consignment;
    switch (route.kind) {
      case 'hosts':
        return this.#byHosts(consignment, route, signal);
      case 'mx':
        return this.#byDomain(consignment, route, signal);
      case 'maildir':
        throw new RangeError(`Cannot deliver ${entries.length} by SMTP as route "${route.name}" must name hosts or MX`);
    }
  }

  async close(): Promise<void> {
    this.#hosts.close();
  }

  #byHosts(consignment: Consignment, route: HostsRoute, signal: AbortSignal): Promise<AttemptResult[]> {
    const onlyAt = consignment.entries[0]!.last?.onlyAt ?? '';
    const all = this.#order.of(route).map(named);
    const fallback = fallbackOf(route);
    const only = [...all, ...fallback].find(({ host }) => host === onlyAt);
    if (only !== undefined) return this.#along(consignment, route, [found(only)], [], signal);
    return this.#along(consignment, route, all.map(found), fallback, signal);
  }

  /** Each domain has hosts of its own. Entries of several come together only when the route has changed under way. */
  async #byDomain(consignment: Consignment, route: MxRoute, signal: AbortSignal): Promise<AttemptResult[]> {
    const { entries } = consignment;
    const results: AttemptResult[] = [];
    const ends = [...new Set(entries.map(({ domain }) => domain))].map(async (domain) => {
      const places = [...entries.keys()].filter((n) => entries[n]!.domain === domain);
      const part = { ...consignment, entries: places.map((n) => entries[n]!) };
      const came = await this.#toDomain(part, route, domain, signal);
      for (const [n, place] of places.entries()) results[place] = came[n]!;
    });
    await Promise.all(ends);
    return results;
  }

  #toDomain(consignment: Consignment, route: MxRoute, domain: string, signal: AbortSignal): Promise<AttemptResult[]> {
    const onlyAt = consignment.entries[0]!.last?.onlyAt ?? '';
    const fallback = fallbackOf(route);
    const only = fallback.find(({ host }) => host === onlyAt);
    if (only !== undefined) return this.#along(consignment, route, [found(only)], [], signal);
    const search = { domain, port: route.port, source: route.source, onlyAt };
    return this.#along(consignment, route, byMx(search, this.#world, signal), onlyAt === '' ? fallback : [], signal);
  }

  async #along(
    consignment: Consignment,
    route: HostsRoute | MxRoute,
    hosts: Iterable<Found> | AsyncIterable<Found>,
    fallback: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<AttemptResult[]> {
    const outcomes = new Outcomes(consignment.entries.length);
    const ask = async (candidate: Candidate): Promise<void> => {
      const entries = outcomes.left.map((n) => consignment.entries[n]!);
      outcomes.heard(await this.#hosts.ask(route, candidate, { ...consignment, entries }, signal));
    };
    const over = (): boolean =>
      outcomes.left.length === 0 || signal.aborted || (route.kind === 'mx' && outcomes.putOff >= PUT_OFF_MAX);
    // A host that was not there a moment ago has had its try: it comes after the others, whatever its preference.
    const later: Candidate[] = [];
    for await (const one of hosts) {
      if (one.kind !== 'candidate') outcomes.learned(one);
      else if (this.#down.is(one.candidate.host)) later.push(one.candidate);
      else await ask(one.candidate);
      if (over()) break;
    }
    for (const candidate of [...later, ...fallback]) {
      if (outcomes.left.length === 0 || signal.aborted) break;
      await ask(candidate);
    }
    return outcomes.results();
  }
}

const found = (candidate: Candidate): Found => ({ kind: 'candidate', candidate });
const fallbackOf = ({ fallback = [] }: HostsRoute | MxRoute): readonly Candidate[] => fallback.map(named);
