/** The addresses of one file, and the last good ones when the file turns bad: nobody valid is refused for a broken export. */
import { foldAscii, toAscii } from '../mail/address.ts';
import type { Timestamp } from '../mail/time.ts';
import type { KeptTexts } from '../ports/kept-texts.ts';
import type { Log } from '../ports/log.ts';
import type { Reading, WatchedFiles } from '../ports/watched-files.ts';
import { AliasFiles } from './rewrite/alias-files.ts';

export interface RecipientList {
  /** Does the list hold this local part (lower case) of this domain, subaddress not considered? */
  names(local: string, domain: string): boolean;
  /** Does it hold everybody of the domain? */
  hasAll(domain: string): boolean;
  /** Why the file on disk is not the list in force; undefined when it is. */
  readonly trouble: string | undefined;
  /** When the list in force was written; undefined when there never was one. */
  readonly modifiedAt: Timestamp | undefined;
}

const NOTHING_KEPT: KeptTexts = { read: () => undefined, write: () => {}, clear: async () => 0 };

/** All lists that are open, by path: they outlive a reload, and with them the last good addresses. */
export class RecipientLists {
  readonly #files: WatchedFiles;
  readonly #log: Log;
  readonly #open = new Map<string, WatchedList>();
  readonly #keptIn: (store: string) => KeptTexts;
  #kept = NOTHING_KEPT;
  readonly aliases: AliasFiles;

  /** `keptIn`: where the last good addresses outlive the process; left out, they do not. `asked` hears of who is asked for. */
  constructor(
    files: WatchedFiles,
    log: Log,
    keptIn: (store: string) => KeptTexts = () => NOTHING_KEPT,
    asked: Log = log,
  ) {
    this.#files = files;
    this.#log = log;
    this.#keptIn = keptIn;
    this.aliases = new AliasFiles(files, log, asked);
  }

  /** Before the first list is opened: where the store lies. */
  storeIs(folder: string): void {
    if (this.#kept === NOTHING_KEPT) this.#kept = this.#keptIn(folder);
  }

  /** A changed `maxShrink` begins anew with what the file holds now: that is how an operator says that a loss was meant. */
  open(path: string, maxShrink: number): RecipientList {
    const key = `${path}\n${maxShrink}`;
    const list = this.#open.get(key) ?? new WatchedList(path, maxShrink, key, this.#kept, this.#files, this.#log);
    this.#open.set(key, list);
    return list;
  }

  /** Closes all lists but these. */
  keep(lists: ReadonlySet<RecipientList>): void {
    for (const [key, list] of this.#open) {
      if (lists.has(list)) continue;
      list.stop();
      this.#open.delete(key);
    }
  }
}

class WatchedList implements RecipientList {
  readonly #path: string;
  readonly #maxShrink: number;
  readonly #log: Log;
  #entries: Entries = { addresses: new Set(), bad: [] };
  trouble: string | undefined;
  modifiedAt: Timestamp | undefined;
  readonly stop: () => void;
  readonly #keep: (text: string) => void;

  constructor(path: string, maxShrink: number, key: string, kept: KeptTexts, files: WatchedFiles, log: Log) {
    this.#path = path;
    this.#maxShrink = maxShrink;
    this.#log = log;
    const before = kept.read(key);
    if (before !== undefined) this.#entries = parseEntries(before);
    let last = before;
    this.#keep = (text) => {
      if (text !== last) kept.write(key, text);
      last = text;
    };
    this.stop = files.watch(path, (reading) => this.#take(reading));
  }

  names(local: string, domain: string): boolean {
    const { addresses } = this.#entries;
    return addresses.has(`${local}@${domain}`) || addresses.has(local);
  }

  hasAll(domain: string): boolean {
    return this.#entries.addresses.has(`@${domain}`);
  }

  #take(reading: Reading): void {
    const entries = parseEntries(reading.kind === 'read' ? reading.text : '');
    const wrong = this.#wrongWith(reading, entries.addresses.size);
    if (wrong !== undefined || reading.kind === 'failed') {
      if (this.trouble !== wrong)
        this.#log.error('recipients.stale', { path: this.#path, why: wrong, inForce: this.#entries.addresses.size });
      this.trouble = wrong;
      return;
    }
    this.#entries = entries;
    this.#keep(reading.text);
    this.modifiedAt = reading.modifiedAt;
    if (this.trouble !== undefined)
      this.#log.event('recipients.restored', { path: this.#path, addresses: entries.addresses.size });
    this.trouble = undefined;
    if (entries.bad.length > 0)
      this.#log.warn('recipients.lines', { path: this.#path, lines: entries.bad.length, first: entries.bad[0] });
  }

  #wrongWith(reading: Reading, count: number): string | undefined {
    if (reading.kind === 'failed') return `it cannot be read: ${reading.why}`;
    if (count === 0) return 'it holds no address';
    const before = this.#entries.addresses.size;
    if (count >= before * (1 - this.#maxShrink)) return undefined;
    return `it shrank from ${before} to ${count} addresses, more than max_shrink allows; if that was meant, change max_shrink and reload`;
  }
}

interface Entries {
  /** `alice@example.com`, `alice` (in every domain that names the file), `@example.com` (everybody there); lower case. */
  readonly addresses: ReadonlySet<string>;
  /** Numbers of lines that are none of these. */
  readonly bad: readonly number[];
}

/** One address a line; `#` begins a comment at the start of a line or after a space; `*@example.com` is `@example.com`. */
export function parseEntries(text: string): Entries {
  const addresses = new Set<string>();
  const bad: number[] = [];
  const domains = new Map<string, string | undefined>();
  const asciiOf = (domain: string): string | undefined => {
    if (!domains.has(domain)) domains.set(domain, toAscii(domain));
    return domains.get(domain);
  };
  for (const [n, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const entry = line.replace(/(?:^|\s)#.*$/, '').trim();
    if (entry === '') continue;
    const at = entry.lastIndexOf('@');
    const local = foldAscii(at === -1 ? entry : entry.slice(0, at));
    const domain = at === -1 ? undefined : asciiOf(entry.slice(at + 1));
    const everybody = local === '' || local === '*';
    if (/[\s@,;<>]/.test(local) || (at === -1 && everybody) || (at !== -1 && domain === undefined)) bad.push(n + 1);
    else if (domain === undefined) addresses.add(local);
    else addresses.add(everybody ? `@${domain}` : `${local}@${domain}`);
  }
  return { addresses, bad };
}
