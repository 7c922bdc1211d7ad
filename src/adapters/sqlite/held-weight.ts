/** How much the quarantine holds: counted along, and anew when another process has written; a sum over all of it at each message would stand in everybody's way. */
import type { DatabaseSync } from 'node:sqlite';
import type { ContentRef } from '../../ports/content.ts';
import type { QuarantineWeight } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';

interface Counted {
  octets: number;
  /** The database's own count of what others wrote. */
  readonly version: number;
  readonly at: number;
}

/** A sum over 100,000 items takes a quarter of a second, in which nothing is committed. */
const COUNT_EVERY_MS = 5000;

export class HeldWeight {
  readonly #version;
  readonly #sum;
  readonly #classes;
  readonly #size;
  readonly #items;
  #counted: Counted | undefined;
  /** Octets when the commit that is under way began. */
  #before: number | undefined;

  constructor(db: DatabaseSync) {
    this.#version = db.prepare('PRAGMA data_version');
    this.#sum = db.prepare(
      'SELECT coalesce(sum(size), 0) AS octets FROM content WHERE ref IN (SELECT content FROM quarantine)',
    );
    this.#classes = db.prepare('SELECT class, count(*) AS items FROM quarantine GROUP BY class');
    this.#size = db.prepare('SELECT size FROM content WHERE ref = ?');
    this.#items = db.prepare('SELECT count(*) AS items FROM (SELECT 1 FROM quarantine WHERE content = ? LIMIT 2)');
  }

  /** As counted along: too much, if anything, since other processes only take items out. */
  octets(): number {
    return (this.#counted ?? this.#count()).octets;
  }

  /** Counted anew where others have written since, but not again and again while they do. */
  octetsNow(): number {
    const { octets, version, at } = this.#counted ?? this.#count();
    const stale = version !== this.#versionNow() && performance.now() - at >= COUNT_EVERY_MS;
    return stale ? this.#count().octets : octets;
  }

  weigh(): QuarantineWeight {
    const classes: { [name in HeldClass]?: number } = {};
    for (const row of this.#classes.all()) classes[row.class as HeldClass] = Number(row.items);
    return { octets: this.#counted?.version === this.#versionNow() ? this.octets() : this.#count().octets, classes };
  }

  #count(): Counted {
    const version = this.#versionNow();
    this.#counted = { octets: Number(this.#sum.get()!.octets), version, at: performance.now() };
    return this.#counted;
  }

  /** An item with this content has been put in. */
  added(content: ContentRef): void {
    if (this.#counted !== undefined && this.#itemsOf(content) === 1) this.#counted.octets += this.#sizeOf(content);
  }

  /** One was taken out; its content is still there. */
  removed(content: ContentRef): void {
    if (this.#counted !== undefined && this.#itemsOf(content) === 0) this.#counted.octets -= this.#sizeOf(content);
  }

  begin(): void {
    this.#before = this.#counted?.octets;
  }

  /** What was counted along since `begin` did not come to be. */
  rollback(): void {
    if (this.#counted === undefined) return;
    if (this.#before === undefined) this.#counted = undefined;
    else this.#counted.octets = this.#before;
  }

  readonly #versionNow = (): number => Number(this.#version.get()!.data_version);
  readonly #itemsOf = (content: ContentRef): number => Number(this.#items.get(content)!.items);
  readonly #sizeOf = (content: ContentRef): number => Number(this.#size.get(content)?.size ?? 0);
}
