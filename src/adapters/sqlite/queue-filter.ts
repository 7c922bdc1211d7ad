/** What a filter means in SQL, and by which index it is found: every listing goes by id, so that a page is a page however many there are. */
import type { QueueFilter } from '../../ports/queue.ts';

/** Each ends in the id, which is what pages go by. */
export const FILTER_LAYOUT = `
  ALTER TABLE entries ADD COLUMN user TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
  ALTER TABLE entries ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
  -- 1: no delay notice is owed.
  ALTER TABLE entries ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
  UPDATE entries SET expires = json_extract(json, '$.expiresAt'), told = json_extract(json, '$.delayNotified');
  DROP INDEX entries_due;
  DROP INDEX entries_recipient;
  DROP INDEX entries_domain;
  DROP INDEX entries_route;
  CREATE INDEX entries_recipient ON entries (recipient, id);
  CREATE INDEX entries_sender ON entries (sender, id);
  CREATE INDEX entries_domain ON entries (domain, id);
  CREATE INDEX entries_route ON entries (route, id);
  CREATE INDEX entries_user ON entries (user, id) WHERE user <> '';
  CREATE INDEX entries_held ON entries (id, route) WHERE state = 'held';
  CREATE INDEX entries_leased ON entries (due, route) WHERE state = 'leased';
  CREATE INDEX entries_expires ON entries (expires) WHERE state = 'waiting';
  CREATE INDEX entries_untold ON entries (route, admitted) WHERE state = 'waiting' AND told = 0;`;

export interface Where {
  readonly where: string[];
  readonly values: (string | number)[];
  add(condition: string, ...values: (string | number)[]): void;
}

export function conditions(): Where {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, ...more: (string | number)[]) => {
    where.push(condition);
    values.push(...more);
  };
  return { where, values, add };
}

export const sql = (where: readonly string[]): string => (where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`);
export const IN_LIST = 'id IN (SELECT value FROM json_each(?))';

export function entryWhere(filter: QueueFilter): Where {
  const all = conditions();
  const { add } = all;
  if (filter.ids !== undefined) add(IN_LIST, JSON.stringify(filter.ids));
  // An entry's id starts with its record's; '/' follows '.' in ASCII.
  if (filter.recordId !== undefined) add('id > ? AND id < ?', `${filter.recordId}.`, `${filter.recordId}/`);
  if (filter.recipient !== undefined) add('recipient = ?', filter.recipient);
  if (filter.sender !== undefined) add('sender = ?', filter.sender);
  if (filter.domain !== undefined) add('domain = ?', filter.domain);
  if (filter.route !== undefined) add('route = ?', filter.route);
  if (filter.user !== undefined) add("user <> '' AND user = ?", filter.user);
  const [state, another] = filter.state ?? [];
  // Written out, since an index over one state is used for no other.
  if (state !== undefined && another === undefined) add(`state = ${STATES[state] ?? "''"}`);
  else if (filter.state !== undefined) add('state IN (SELECT value FROM json_each(?))', JSON.stringify(filter.state));
  if (filter.dueBy !== undefined) add("state = 'waiting' AND due <= ?", filter.dueBy);
  if (filter.admittedBy !== undefined) add('admitted <= ?', filter.admittedBy);
  if (filter.reason !== undefined)
    add(
      `instr(iif(state = 'held', json_extract(json, '$.state.why'), '') || ' ' ||
        coalesce(json_extract(json, '$.last.said'), ''), ?) > 0`,
      filter.reason,
    );
  return all;
}

const STATES: { readonly [state: string]: string } = { waiting: "'waiting'", leased: "'leased'", held: "'held'" };

/** To count the entries of a state, by route and what is due or not, no row is read: its index has all of it. */
export function countIndexFor(filter: QueueFilter): string {
  const { state, route: _, dueBy, ...others } = filter;
  const [one, another] = state ?? [];
  if (another !== undefined || Object.values(others).some((value) => value !== undefined)) return indexFor(filter);
  if (one === 'waiting') return 'INDEXED BY entries_line';
  if (one === 'held' && dueBy === undefined) return 'INDEXED BY entries_held';
  if (one === 'leased' && dueBy === undefined) return 'INDEXED BY entries_leased';
  return indexFor(filter);
}

/** Of several that would do, the one that leads to the fewest; '' leaves it to the database, which goes by id. */
export function indexFor(filter: QueueFilter): string {
  if (filter.ids !== undefined || filter.recordId !== undefined) return '';
  if (filter.recipient !== undefined) return 'INDEXED BY entries_recipient';
  if (filter.user !== undefined) return 'INDEXED BY entries_user';
  if (filter.sender !== undefined) return 'INDEXED BY entries_sender';
  const [state, another] = filter.state ?? [];
  if (another === undefined && state === 'held') return 'INDEXED BY entries_held';
  if (another === undefined && state === 'leased') return 'INDEXED BY entries_leased';
  if (filter.domain !== undefined) return 'INDEXED BY entries_domain';
  if (filter.route !== undefined) return 'INDEXED BY entries_route';
  return '';
}
