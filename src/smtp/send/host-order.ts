/** In which order the hosts of a route are asked. */
import type { HostAddress, HostsRoute } from '../../queue/route.ts';

export class HostOrder {
  readonly #random: () => number;
  /** By route: how many messages began. */
  readonly #turns = new Map<string, number>();

  constructor(random: () => number) {
    this.#random = random;
  }

  of({ name, hosts, strategy }: HostsRoute): readonly HostAddress[] {
    switch (strategy?.kind) {
      case undefined:
      case 'failover':
        return hosts;
      case 'roundRobin': {
        const turn = this.#turns.get(name) ?? 0;
        this.#turns.set(name, turn + 1);
        const first = turn % Math.max(hosts.length, 1);
        return [...hosts.slice(first), ...hosts.slice(0, first)];
      }
      case 'weighted':
        return this.#drawn(hosts, strategy.weights);
    }
  }

  /** One after the other without putting back: the second is drawn as if the first were not there. */
  #drawn(hosts: readonly HostAddress[], weights: readonly number[]): readonly HostAddress[] {
    const left = hosts.map((host, n) => ({ host, weight: weights[n] ?? 1 }));
    const out: HostAddress[] = [];
    while (left.length > 0) {
      const total = left.reduce((sum, { weight }) => sum + weight, 0);
      const draw = this.#random() * total;
      let past = 0;
      const at = left.findIndex(({ weight }) => {
        past += weight;
        return draw < past;
      });
      out.push(...left.splice(Math.max(at, 0), 1).map(({ host }) => host));
    }
    return out;
  }
}
