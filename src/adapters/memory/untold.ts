/** What recipients were not told of yet, in memory. */
import type { Timestamp } from '../../mail/time.ts';
import type { DigestStore, Told, Untold } from '../../ports/digest.ts';
import type { QuarantineItem } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';

export class MemoryDigests implements DigestStore {
  /** By item, in the order they were held. */
  readonly #untold = new Map<string, { readonly place: number; readonly item: QuarantineItem }>();
  #places = 0;
  #round: Timestamp | undefined;

  async untoldRecipients(after: string, limit: number): Promise<readonly string[]> {
    const all = new Set([...this.#untold.values()].map(({ item }) => item.entry.recipient.toLowerCase()));
    return [...all]
      .filter((recipient) => recipient > after.toLowerCase())
      .sort()
      .slice(0, limit);
  }

  async untold(recipient: string, classes: readonly HeldClass[], limit: number): Promise<Untold> {
    const theirs = this.#of(recipient, this.#places).map(({ item }) => item);
    const counts: { [name in HeldClass]?: number } = {};
    for (const item of theirs) counts[item.class] = (counts[item.class] ?? 0) + 1;
    const items = theirs.filter((item) => classes.includes(item.class)).reverse();
    return { items: items.slice(0, limit), counts, through: this.#places };
  }

  async lastRound(): Promise<Timestamp | undefined> {
    return this.#round;
  }

  async roundEnded(begun: Timestamp): Promise<void> {
    this.#round = begun;
  }

  held(item: QuarantineItem): void {
    if (item.class === 'undeliverable') return;
    this.#places += 1;
    this.#untold.set(item.id, { place: this.#places, item });
  }

  gone(id: string): void {
    this.#untold.delete(id);
  }

  told({ recipient, through }: Told): void {
    for (const { item } of this.#of(recipient, through)) this.#untold.delete(item.id);
  }

  #of(recipient: string, through: number) {
    return [...this.#untold.values()].filter(
      ({ place, item }) => place <= through && item.entry.recipient.toLowerCase() === recipient.toLowerCase(),
    );
  }
}
