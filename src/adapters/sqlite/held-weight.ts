/** How much the quarantine holds: counted along, and anew when another process has written; a sum over all of it at each message would stand in everybody's way. */
import type { DatabaseSync } from 'node:sqlite';
import type { ContentRef } from '../../ports/content.ts';
import type { QuarantineWeight } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';

export class HeldWeight {
  readonly #version;
  readonly #sum;
  readonly #classes;
  readonly #size;
  readonly #items;
  /** Octets as of `at`, the database's own count of what others wrote. */
  #counted: { octets: number; readonly at: number } | undefined;

  constructor(db: DatabaseSync) {
    this.#version = db.prepare('PRAGMA data_version');
    this.#sum = db.prepare(
      'SELECT coalesce(sum(size), 0) AS octets FROM content WHERE ref IN (SELECT content FROM quarantine)',
    );
    this.#classes = db.prepare('SELECT class, count(*) AS items FROM quarantine GROUP BY class');
    this.#size = db.prepare('SELECT size FROM content WHERE ref = ?');
    this.#items = db.prepare('SELECT count(*) AS items FROM (SELECT 1 FROM quarantine WHERE content = ? LIMIT 2)');
  }

  octets(): number {
    const at = Number(this.#version.get()!.data_version);
    if (this.#counted?.at !== at) this.#counted = { octets: Number(this.#sum.get()!.octets), at };
    return this.#counted.octets;
  }

  weigh(): QuarantineWeight {
    const classes: { [name in HeldClass]?: number } = {};
    for (const row of this.#classes.all()) classes[row.class as HeldClass] = Number(row.items);
    return { octets: this.octets(), classes };
  }

  /** An item with this content has been put in. */
  added(content: ContentRef): void {
    if (this.#counted !== undefined && this.#itemsOf(content) === 1) this.#counted.octets += this.#sizeOf(content);
  }

  /** One was taken out; its content is still there. */
  removed(content: ContentRef): void {
    if (this.#counted !== undefined && this.#itemsOf(content) === 0) this.#counted.octets -= this.#sizeOf(content);
  }

  /** What was counted along did not come to be. */
  forget(): void {
    this.#counted = undefined;
  }

  readonly #itemsOf = (content: ContentRef): number => Number(this.#items.get(content)!.items);
  readonly #sizeOf = (content: ContentRef): number => Number(this.#size.get(content)?.size ?? 0);
}
