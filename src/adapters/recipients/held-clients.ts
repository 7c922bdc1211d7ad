/** Connections to one server that are kept between questions: one that went stale meanwhile is not held against the server. */
import { type Millis, seconds } from '../../mail/time.ts';
import type { AskedAddress, RecipientClient } from '../../ports/recipients.ts';

export interface HeldClient {
  ask(asked: AskedAddress, signal: AbortSignal): Promise<'known' | 'unknown'>;
  /** Of no use any more. */
  readonly broken: boolean;
  close(): void;
}

/** Longer than the pauses of a busy hour, shorter than firewalls and servers forget a line that is silent. */
const IDLE: Millis = seconds(30);

export class HeldClients implements RecipientClient {
  readonly #open: (signal: AbortSignal) => Promise<HeldClient>;
  readonly #idle = new Map<HeldClient, NodeJS.Timeout>();
  #closed = false;

  /** How many there are at once is bounded by whoever asks. */
  constructor(open: (signal: AbortSignal) => Promise<HeldClient>) {
    this.#open = open;
  }

  async ask(asked: AskedAddress, signal: AbortSignal): Promise<'known' | 'unknown'> {
    const held = this.#take();
    if (held !== undefined) {
      // A server that was started anew has forgotten the line: that is no answer of the one that runs now.
      const used = await this.#use(held, asked, signal, 'again');
      if (used !== 'again') return used;
    }
    return this.#use(await this.#open(signal), asked, signal, 'throw');
  }

  close(): void {
    this.#closed = true;
    for (const held of [...this.#idle.keys()]) this.#drop(held);
  }

  async #use<B extends 'again' | 'throw'>(
    held: HeldClient,
    asked: AskedAddress,
    signal: AbortSignal,
    broken: B,
  ): Promise<'known' | 'unknown' | Exclude<B, 'throw'>> {
    try {
      const answer = await held.ask(asked, signal);
      this.#give(held);
      return answer;
    } catch (error) {
      const again = broken === 'again' && held.broken && !signal.aborted;
      // Whatever it was: what is still to come over this line would be taken for another's answer.
      held.close();
      if (again) return 'again' as Exclude<B, 'throw'>;
      throw error;
    }
  }

  /** The one that was used last: the others may rest until they are closed. */
  #take(): HeldClient | undefined {
    for (;;) {
      const held = [...this.#idle.keys()].at(-1);
      if (held === undefined) return undefined;
      clearTimeout(this.#idle.get(held));
      this.#idle.delete(held);
      if (!held.broken) return held;
    }
  }

  #give(held: HeldClient): void {
    if (this.#closed || held.broken) held.close();
    else this.#idle.set(held, setTimeout(() => this.#drop(held), IDLE).unref());
  }

  #drop(held: HeldClient): void {
    clearTimeout(this.#idle.get(held));
    this.#idle.delete(held);
    held.close();
  }
}
