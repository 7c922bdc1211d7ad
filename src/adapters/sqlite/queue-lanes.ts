/** Whose turn it is, as a database keeps it: lanes are destinations as far as a database knows them, lines the senders of each. */
import type { DatabaseSync } from 'node:sqlite';
import { ALL_LANES, type Lanes, Rooms, TOGETHER_MAX } from '../../queue/rooms.ts';
import type { StoredEntry } from './rows.ts';

/**
 * Kept by triggers, whoever admits, leases, settles or amends. `lines.due` is when the first of them falls due, `served` when
 * one of them was taken last: by the later of the two they take turns, so that whoever was served stands behind whoever
 * waits, and nothing is looked at that is not due. Mail that is leased in the commit that admits it costs nothing here.
 */
export const LANES_LAYOUT = `
  CREATE INDEX entries_line ON entries (route, domain, sender, due, id) WHERE state = 'waiting';
  CREATE TABLE lines (
    route TEXT NOT NULL, domain TEXT NOT NULL COLLATE NOCASE, sender TEXT NOT NULL COLLATE NOCASE,
    due INTEGER NOT NULL, served INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (route, domain, sender)) WITHOUT ROWID;
  CREATE INDEX lines_at ON lines (route, domain, max(due, served), turn);
  CREATE TABLE lanes (
    route TEXT NOT NULL, domain TEXT NOT NULL COLLATE NOCASE, at INTEGER NOT NULL, PRIMARY KEY (route, domain)) WITHOUT ROWID;
  CREATE INDEX lanes_at ON lanes (at);

  CREATE TRIGGER line_joined AFTER INSERT ON entries WHEN NEW.state = 'waiting' BEGIN ${joined('NEW')} END;
  CREATE TRIGGER line_left AFTER DELETE ON entries WHEN OLD.state = 'waiting' BEGIN ${left('OLD')} END;
  CREATE TRIGGER line_taken AFTER UPDATE ON entries WHEN OLD.state = 'waiting' AND NEW.state <> 'waiting'
    BEGIN ${left('OLD')} END;
  CREATE TRIGGER line_back AFTER UPDATE ON entries WHEN OLD.state <> 'waiting' AND NEW.state = 'waiting'
    BEGIN ${joined('NEW')} END;
  CREATE TRIGGER line_moved AFTER UPDATE ON entries WHEN OLD.state = 'waiting' AND NEW.state = 'waiting'
    BEGIN ${left('OLD')} ${joined('NEW')} END;

  CREATE TRIGGER lane_opened AFTER INSERT ON lines BEGIN
    INSERT INTO lanes VALUES (NEW.route, NEW.domain, max(NEW.due, NEW.served))
      ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < at;
  END;
  CREATE TRIGGER lane_moved AFTER UPDATE ON lines BEGIN
    UPDATE lanes SET at = (SELECT max(due, served) FROM lines WHERE route = NEW.route AND domain = NEW.domain
      ORDER BY max(due, served) LIMIT 1) WHERE route = NEW.route AND domain = NEW.domain;
  END;
  CREATE TRIGGER lane_closed AFTER DELETE ON lines BEGIN
    DELETE FROM lanes WHERE route = OLD.route AND domain = OLD.domain
      AND NOT EXISTS (SELECT 1 FROM lines WHERE route = OLD.route AND domain = OLD.domain);
    UPDATE lanes SET at = (SELECT max(due, served) FROM lines WHERE route = OLD.route AND domain = OLD.domain
      ORDER BY max(due, served) LIMIT 1) WHERE route = OLD.route AND domain = OLD.domain;
  END;

  INSERT INTO lines (route, domain, sender, due)
    SELECT route, domain, sender, min(due) FROM entries WHERE state = 'waiting' GROUP BY route, domain, sender`;

function joined(row: string): string {
  return `INSERT INTO lines (route, domain, sender, due) VALUES (${row}.route, ${row}.domain, ${row}.sender, ${row}.due)
      ON CONFLICT DO UPDATE SET due = excluded.due WHERE excluded.due < due;`;
}

/** Whoever stood first is gone: the next one, if there is any, is. */
function left(row: string): string {
  const first = `FROM entries WHERE route = ${row}.route AND domain = ${row}.domain AND sender = ${row}.sender
      AND state = 'waiting'`;
  const line = `route = ${row}.route AND domain = ${row}.domain AND sender = ${row}.sender AND due >= ${row}.due`;
  return `UPDATE lines SET due = (SELECT min(due) ${first}) WHERE ${line} AND EXISTS (SELECT 1 ${first});
    DELETE FROM lines WHERE ${line} AND NOT EXISTS (SELECT 1 ${first});`;
}

interface Lane {
  readonly route: string;
  readonly domain: string;
}

export class QueueLanes {
  readonly #db: DatabaseSync;
  readonly #runOut;
  readonly #open;
  readonly #lines;
  readonly #head;
  readonly #mates;
  readonly #serve;
  readonly #soonest;
  readonly #expired;
  readonly #delayed;
  #turn = 0;
  #seen = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#runOut = db.prepare(
      "SELECT id, route, domain, sender FROM entries WHERE state = 'leased' AND due <= ? ORDER BY due",
    );
    this.#open = db.prepare('SELECT route, domain FROM lanes WHERE at <= ? ORDER BY at');
    this.#lines = db.prepare(
      `SELECT sender FROM lines WHERE route = ? AND domain = ? AND max(due, served) <= ?
       ORDER BY max(due, served), turn`,
    );
    this.#head = db.prepare(
      `SELECT id FROM entries INDEXED BY entries_line
       WHERE route = ? AND domain = ? AND sender = ? AND state = 'waiting' AND due <= ? ORDER BY due, id LIMIT 1`,
    );
    this.#mates = db.prepare(
      `SELECT id FROM entries WHERE id > ? AND id < ? AND route = ? AND domain = ? AND sender = ?
       AND state = 'waiting' AND due <= ? ORDER BY id LIMIT ?`,
    );
    this.#serve = db.prepare('UPDATE lines SET served = ?, turn = ? WHERE route = ? AND domain = ? AND sender = ?');
    this.#soonest = db.prepare('SELECT route, domain, at FROM lanes ORDER BY at');
    this.#expired = db.prepare(
      "SELECT id FROM entries WHERE state = 'waiting' AND expires <= ? AND due <= ? ORDER BY expires LIMIT ?",
    );
    this.#delayed = db.prepare(
      `SELECT id FROM entries WHERE state = 'waiting' AND told = 0 AND route = ? AND admitted <= ? AND due <= ?
       ORDER BY admitted LIMIT ?`,
    );
  }

  /** What was served in another life says nothing of the clock of this one. */
  begin(): void {
    this.#db.exec('UPDATE lines SET served = 0, turn = 0 WHERE served > 0');
  }

  /** `take` leases an entry. */
  lease(now: number, limit: number, lanes: Lanes, take: (id: string) => StoredEntry): StoredEntry[] {
    // The wall clock was put back: what was served then was not served later than now.
    if (now < this.#seen) this.begin();
    this.#seen = now;
    const rooms = new Rooms(lanes);
    const taken: StoredEntry[] = [];
    for (const { id, route, domain, sender } of this.#runOut.all(now)) {
      if (taken.length >= limit) return taken;
      if (rooms.left(String(route), String(domain)) <= 0 || !rooms.takesFrom(String(sender))) continue;
      taken.push(take(String(id)));
      rooms.took(String(route), String(domain), 1);
    }
    let open = this.#opened(now, limit - taken.length, rooms);
    while (open.length > 0 && taken.length < limit) {
      const still: Lane[] = [];
      for (const lane of open) {
        if (taken.length >= limit) return taken;
        if (rooms.left(lane.route, lane.domain) <= 0) continue;
        const ids = this.#message(lane, now, limit - taken.length, taken.length === 0, rooms);
        if (ids === undefined) return taken;
        if (ids.length === 0) continue;
        for (const id of ids) taken.push(take(id));
        rooms.took(lane.route, lane.domain, ids.length);
        still.push(lane);
      }
      open = still;
    }
    return taken;
  }

  /** Entries to look at though nobody may try them. */
  overdue(
    now: number,
    limit: number,
    delayed: readonly { readonly route: string; readonly admittedBy: number }[],
  ): readonly string[] {
    const ids = new Set(this.#expired.all(now, now, limit).map(({ id }) => String(id)));
    for (const { route, admittedBy } of delayed) {
      if (ids.size >= limit) break;
      for (const { id } of this.#delayed.all(route, admittedBy, now, limit - ids.size)) ids.add(String(id));
    }
    return [...ids];
  }

  nextDue(lanes: Lanes = ALL_LANES): number | undefined {
    const rooms = new Rooms(lanes);
    const leased = this.#db.prepare("SELECT min(due) AS due FROM entries WHERE state = 'leased'").get()!.due;
    let soonest = leased === null ? undefined : Number(leased);
    for (const { route, domain, at } of this.#soonest.iterate()) {
      if (soonest !== undefined && Number(at) >= soonest) break;
      if (rooms.left(String(route), String(domain)) <= 0) continue;
      soonest = Number(at);
      break;
    }
    return soonest;
  }

  #opened(now: number, most: number, rooms: Rooms): Lane[] {
    const lanes: Lane[] = [];
    for (const { route, domain } of this.#open.iterate(now)) {
      if (lanes.length >= most) break;
      const lane = { route: String(route), domain: String(domain) };
      if (rooms.left(lane.route, lane.domain) > 0) lanes.push(lane);
    }
    return lanes;
  }

  /**
   * Of the line whose turn it is, the message that is due longest, with what is due beside it: whole, unless it is the first.
   * Undefined where it does not fit any more.
   */
  #message(
    { route, domain }: Lane,
    now: number,
    most: number,
    first: boolean,
    rooms: Rooms,
  ): readonly string[] | undefined {
    for (const line of this.#lines.iterate(route, domain, now)) {
      const sender = String(line.sender);
      if (!rooms.takesFrom(sender)) continue;
      const head = this.#head.get(route, domain, sender, now);
      if (head === undefined) continue; // served since, by the clock of another
      const id = String(head.id);
      const record = id.slice(0, id.lastIndexOf('.'));
      const mates = this.#mates.all(`${record}.`, `${record}/`, route, domain, sender, now, TOGETHER_MAX);
      if (mates.length > most && !first) return undefined;
      this.#turn += 1;
      this.#serve.run(now, this.#turn, route, domain, sender);
      return mates.slice(0, most).map((row) => String(row.id));
    }
    return [];
  }
}
