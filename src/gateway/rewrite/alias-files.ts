/** Files of aliases, watched while we run; the last good ones stay in force when a file turns bad. */
import type { AliasSource, HostedDomain, Installation } from '../../config/installation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import type { RecipientDirectory } from '../world.ts';
import { aliasOf, parseAliases } from './aliases.ts';
import { rewritingDirectory } from './expand.ts';
import type { Srs } from './srs.ts';

export interface AliasTable {
  /** Addresses a local part (lower case) stands for; undefined where it is no alias. */
  targets(local: string): readonly string[] | undefined;
  /** Nothing was ever read: who is no recipient may be an alias. */
  readonly unread: boolean;
}

/** Tables by domain, of one configuration. */
export type AliasTables = ReadonlyMap<string, AliasTable>;

/** All files that are open: they outlive a reload. */
export class AliasFiles {
  readonly #files: WatchedFiles;
  readonly #log: Log;
  readonly #asked: Log;
  readonly #open = new Map<string, WatchedAliases>();

  /** `log` hears of the files, `asked` of what is found wrong when somebody is asked for. */
  constructor(files: WatchedFiles, log: Log, asked: Log) {
    this.#files = files;
    this.#log = log;
    this.#asked = asked;
  }

  /** Opens what `domains` name; `takeOver` closes the rest. */
  #tables(domains: ReadonlyMap<string, HostedDomain>): { readonly tables: AliasTables; takeOver(): void } {
    const tables = new Map<string, AliasTable>();
    const used = new Set<string>();
    for (const { domain, aliases } of domains.values()) {
      if (aliases === undefined) continue;
      if (aliases.kind === 'inline') tables.set(domain, inlineTable(aliases, domain));
      else {
        const key = `${domain}\n${aliases.path}`;
        const open = this.#open.get(key) ?? new WatchedAliases(aliases.path, domain, this.#files, this.#log);
        this.#open.set(key, open);
        used.add(key);
        tables.set(domain, open);
      }
    }
    return { tables, takeOver: () => this.#keep(used) };
  }

  /** Whom an address leads to in the end, aliases of these domains and all. */
  directory(
    inner: RecipientDirectory,
    installation: Pick<Installation, 'domains' | 'defaultRoute' | 'routing'>,
    srs: Srs | undefined,
    clock: Pick<Clock, 'now'>,
  ): RecipientDirectory & { takeOver(): void } {
    const { tables, takeOver } = this.#tables(installation.domains);
    return { ...rewritingDirectory(inner, { installation, tables, srs, clock, log: this.#asked }), takeOver };
  }

  #keep(used: ReadonlySet<string>): void {
    for (const [key, open] of this.#open) {
      if (used.has(key)) continue;
      open.stop();
      this.#open.delete(key);
    }
  }
}

function inlineTable({ map }: AliasSource & { readonly kind: 'inline' }, domain: string): AliasTable {
  const targets = new Map<string, readonly string[]>();
  for (const [local, written] of map) {
    const read = aliasOf(local, written, domain);
    if (typeof read !== 'string') targets.set(read.local, read.targets); // a mistake was a load error
  }
  return { targets: (local) => targets.get(local), unread: false };
}

class WatchedAliases implements AliasTable {
  #targets: ReadonlyMap<string, readonly string[]> = new Map();
  #trouble: string | undefined;
  unread = true;
  readonly stop: () => void;

  constructor(path: string, domain: string, files: WatchedFiles, log: Log) {
    this.stop = files.watch(path, (reading) => {
      if (reading.kind === 'failed') {
        if (this.#trouble !== reading.why)
          log.error('aliases.stale', { path, why: reading.why, inForce: this.#targets.size });
        this.#trouble = reading.why;
        return;
      }
      const { targets, bad } = parseAliases(reading.text, domain);
      if (bad.length > 0)
        log.warn('aliases.lines', { path, lines: bad.length, first: `line ${bad[0]!.line}: ${bad[0]!.why}` });
      if (this.#trouble !== undefined) log.event('aliases.restored', { path, aliases: targets.size });
      this.#targets = targets;
      this.#trouble = undefined;
      this.unread = false;
    });
  }

  targets(local: string): readonly string[] | undefined {
    return this.#targets.get(local);
  }
}
