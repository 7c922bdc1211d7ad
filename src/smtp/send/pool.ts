/** Lines kept open between messages: a connection costs three round trips, a message on an open one two. */
import { type Millis, seconds } from '../../mail/time.ts';
import { leave, type Peer } from './peer.ts';

/** Long enough for the next message of a busy gateway, far below any server's own patience (RFC 5321 §4.5.3.2.7). */
const IDLE: Millis = seconds(5);
/** So that a host behind a balancer sees its share again. */
const MESSAGES_MAX = 1000;
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
    const kept = this.#idle.get(key);
    for (let last = kept?.pop(); last !== undefined; last = kept?.pop()) {
      clearTimeout(last.timer);
      // A 421 said in the meantime, or a closed socket, has been heard already.
      if (last.peer.conversation.broken === undefined && !last.peer.conversation.outOfStep) return last.peer;
      leave(last.peer.conversation);
    }
    return undefined;
  }

  give(key: string, peer: Peer): void {
    const { conversation } = peer;
    if (conversation.broken !== undefined) return;
    const kept = this.#idle.get(key) ?? [];
    const messagesMax = Math.min(MESSAGES_MAX, peer.can.limits.mail);
    if (this.#closed || conversation.outOfStep || peer.messages >= messagesMax || kept.length >= IDLE_MAX) {
      leave(conversation);
      return;
    }
    const timer = setTimeout(() => this.#drop(key, peer), IDLE);
    kept.push({ peer, timer });
    this.#idle.set(key, kept);
  }

  close(): void {
    this.#closed = true;
    for (const kept of this.#idle.values())
      for (const { peer, timer } of kept) {
        clearTimeout(timer);
        leave(peer.conversation);
      }
    this.#idle.clear();
  }

  #drop(key: string, peer: Peer): void {
    const kept = (this.#idle.get(key) ?? []).filter((other) => other.peer !== peer);
    if (kept.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, kept);
    leave(peer.conversation);
  }
}
