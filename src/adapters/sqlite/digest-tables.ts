/** What recipients were not told of yet, beside the quarantine: kept by the database itself, whoever holds, releases or drops. */
import type { DatabaseSync } from 'node:sqlite';
import type { Told } from '../../ports/digest.ts';
import type { HeldClass } from '../../queue/held-class.ts';

/** Laid beside a store of any age, so that it needs no layout of its own; an older program's rows are told of by the triggers. */
const LAY = `
  CREATE TABLE untold (
    place INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL COLLATE NOCASE, class TEXT NOT NULL,
    item TEXT NOT NULL UNIQUE);
  CREATE INDEX untold_recipient ON untold (recipient, class, place);
  CREATE TRIGGER held_untold AFTER INSERT ON quarantine WHEN NEW.class <> 'undeliverable' BEGIN
    INSERT OR IGNORE INTO untold (recipient, class, item) VALUES (NEW.recipient, NEW.class, NEW.id);
  END;
  CREATE TRIGGER gone_untold AFTER DELETE ON quarantine BEGIN DELETE FROM untold WHERE item = OLD.id; END;
  INSERT INTO untold (recipient, class, item)
    SELECT recipient, class, id FROM quarantine WHERE class <> 'undeliverable' ORDER BY id;
  CREATE TABLE digest_round (begun INTEGER NOT NULL)`;

export interface UntoldRows {
  /** As JSON, the newest first. */
  readonly items: readonly string[];
  readonly counts: { readonly [name in HeldClass]?: number };
  readonly through: number;
}

export class DigestTables {
  readonly #db: DatabaseSync;
  readonly #next;
  readonly #counts;
  readonly #items;
  readonly #told;

  constructor(db: DatabaseSync) {
    this.#db = db;
    if (!isLaid(db)) lay(db);
    // One step a recipient, however many messages are held for each.
    this.#next = db.prepare('SELECT min(recipient) AS recipient FROM untold WHERE recipient > ?');
    this.#counts = db.prepare('SELECT class, count(*) AS n FROM untold WHERE recipient = ? GROUP BY class');
    this.#items = db.prepare(
      `SELECT place, json FROM untold JOIN quarantine ON quarantine.id = item
       WHERE untold.recipient = ? AND untold.class = ? ORDER BY place DESC LIMIT ?`,
    );
    this.#told = db.prepare('DELETE FROM untold WHERE recipient = ? AND place <= ?');
  }

  recipients(after: string, limit: number): readonly string[] {
    const found: string[] = [];
    for (let at = after; found.length < limit; ) {
      const { recipient } = this.#next.get(at)!;
      if (recipient === null) break;
      at = String(recipient);
      found.push(at);
    }
    return found;
  }

  untold(recipient: string, classes: readonly HeldClass[], limit: number): UntoldRows {
    const through = Number(this.#db.prepare('SELECT max(place) AS place FROM untold').get()!.place ?? 0);
    const counts = this.#counts.all(recipient).map((row) => [String(row.class), Number(row.n)]);
    const items = classes
      .flatMap((name) => this.#items.all(recipient, name, limit))
      .sort((a, b) => Number(b.place) - Number(a.place))
      .slice(0, limit)
      .map((row) => String(row.json));
    return { items, counts: Object.fromEntries(counts) as UntoldRows['counts'], through };
  }

  told({ recipient, through }: Told): void {
    this.#told.run(recipient, through);
  }

  lastRound(): number | undefined {
    const row = this.#db.prepare('SELECT begun FROM digest_round').get();
    return row === undefined ? undefined : Number(row.begun);
  }

  roundEnded(begun: number): void {
    this.#db.exec('DELETE FROM digest_round');
    this.#db.prepare('INSERT INTO digest_round VALUES (?)').run(begun);
  }
}

const isLaid = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'digest_round'").get() !== undefined;

/** Two processes may come at once: the second finds the work done. */
function lay(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    if (!isLaid(db)) db.exec(LAY);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
