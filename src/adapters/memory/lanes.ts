/** Whose turn it is among entries that are due: destinations take turns, and the senders of each. */
import type { Timestamp } from '../../mail/time.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { type Rooms, TOGETHER_MAX } from '../../queue/rooms.ts';
import { dueAt } from '../entry-state.ts';

interface Line {
  readonly key: string;
  readonly sender: string;
  readonly entries: QueueEntry[];
}

interface Lane {
  readonly route: string;
  readonly domain: string;
  readonly lines: Line[];
}

export class MemoryLanes {
  /** When a line was last served, and as which of all. */
  readonly #served = new Map<string, { readonly at: Timestamp; readonly turn: number }>();
  #turn = 0;
  #seen: Timestamp = 0;

  choose(due: readonly QueueEntry[], now: Timestamp, limit: number, rooms: Rooms): readonly QueueEntry[] {
    // The wall clock was put back: what was served then was not served later than now.
    if (now < this.#seen) this.#served.clear();
    this.#seen = now;
    const taken: QueueEntry[] = [];
    let open = this.#lanes(due, rooms);
    while (open.length > 0 && taken.length < limit) {
      const still: Lane[] = [];
      for (const lane of open) {
        if (taken.length >= limit) return taken;
        if (rooms.left(lane.route, lane.domain) <= 0) continue;
        const message = this.#serve(lane, now, limit - taken.length, taken.length === 0);
        if (message === undefined) return taken;
        taken.push(...message);
        rooms.took(lane.route, lane.domain, message.length);
        if (lane.lines.length > 0) still.push(lane);
      }
      open = still;
    }
    return taken;
  }

  #lanes(due: readonly QueueEntry[], rooms: Rooms): Lane[] {
    const lanes = new Map<string, Lane>();
    const lines = new Map<string, Line>();
    for (const entry of [...due].sort(byDue)) {
      const { route, domain } = entry;
      const sender = senderOf(entry);
      if (rooms.left(route, domain) <= 0 || !rooms.takesFrom(sender)) continue;
      const laneKey = `${route} ${domain.toLowerCase()}`;
      const key = `${laneKey} ${sender}`;
      const line = lines.get(key);
      if (line !== undefined) {
        line.entries.push(entry);
        continue;
      }
      const fresh: Line = { key, sender, entries: [entry] };
      lines.set(key, fresh);
      const lane = lanes.get(laneKey);
      if (lane === undefined) lanes.set(laneKey, { route, domain, lines: [fresh] });
      else lane.lines.push(fresh);
    }
    return [...lanes.values()].sort((a, b) => this.#first(a) - this.#first(b));
  }

  /** A message of the line whose turn it is: whole, unless it is the first. Undefined where it does not fit any more. */
  #serve(lane: Lane, now: Timestamp, most: number, first: boolean): readonly QueueEntry[] | undefined {
    lane.lines.sort((a, b) => this.#at(a) - this.#at(b) || this.#turnOf(a) - this.#turnOf(b));
    const line = lane.lines[0]!;
    const { recordId } = line.entries[0]!;
    const whole = line.entries.filter((entry) => entry.recordId === recordId).slice(0, TOGETHER_MAX);
    if (whole.length > most && !first) return undefined;
    const message = whole.slice(0, most);
    const rest = line.entries.filter((entry) => !message.includes(entry));
    line.entries.splice(0, line.entries.length, ...rest);
    this.#turn += 1;
    this.#served.set(line.key, { at: now, turn: this.#turn });
    if (rest.length === 0) lane.lines.shift();
    return message;
  }

  #first(lane: Lane): Timestamp {
    return Math.min(...lane.lines.map((line) => this.#at(line)));
  }
  #at({ key, entries }: Line): Timestamp {
    return Math.max(dueAt(entries[0]!.state)!, this.#served.get(key)?.at ?? 0);
  }
  #turnOf({ key }: Line): number {
    return this.#served.get(key)?.turn ?? 0;
  }
}

const byDue = (a: QueueEntry, b: QueueEntry): number => dueAt(a.state)! - dueAt(b.state)! || (a.id < b.id ? -1 : 1);

export const senderOf = ({ reversePath }: QueueEntry): string =>
  reversePath.kind === 'null' ? '' : reversePath.mailbox.address.toLowerCase();
