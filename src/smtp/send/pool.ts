/** Lines kept open between messages: a connection costs three round trips, a message on an open one two. */
import type { Flow } from '../../queue/flow.ts';
import type { Peer } from './peer.ts';

/** Idle lines to one host; as many as one route keeps busy by default. */
const IDLE_MAX = 20;

interface Kept {
  readonly peer: Peer;
  readonly timer: NodeJS.Timeout;
}

export class Pool {
  readonly #idle = new Map<string, Kept[]>();
  #closed = false;

  take(key: string): Peer | undefined {
    const kept = this.#idle.get(key) ?? [];
    for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
      // A host whose last line goes is forgotten: there is no end of hosts.
      if (kept.length === 0) this.#idle.delete(key);
      clearTimeout(last.timer);
      // A 421 said in the meantime, or a closed socket, has been heard already.
      if (last.peer.conversation.broken === undefined && !last.peer.conversation.outOfStep) return last.peer;
      last.peer.conversation.leave();
    }
    return undefined;
  }

  /** Hosts of which a line is kept. */
  get hosts(): number {
    return this.#idle.size;
  }

  give(key: string, peer: Peer, reuse: Flow['reuse']): void {
    const { conversation } = peer;
    if (conversation.broken !== undefined) return;
    const kept = this.#idle.get(key) ?? [];
    const messagesMax = Math.min(reuse.messages, peer.can.limits.mail);
    if (
      this.#closed ||
      conversation.outOfStep ||
      peer.messages >= messagesMax ||
      reuse.idle === 0 ||
      kept.length >= IDLE_MAX
    ) {
      conversation.leave();
      return;
    }
    const timer = setTimeout(() => this.#drop(key, peer), reuse.idle);
    kept.push({ peer, timer });
    this.#idle.set(key, kept);
  }

  close(): void {
    this.#closed = true;
    for (const kept of this.#idle.values())
      for (const { peer, timer } of kept) {
        clearTimeout(timer);
        peer.conversation.leave();
      }
    this.#idle.clear();
  }

  #drop(key: string, peer: Peer): void {
    const kept = (this.#idle.get(key) ?? []).filter((other) => other.peer !== peer);
    if (kept.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, kept);
    peer.conversation.leave();
  }
}
