/** Content: small in memory until it is admitted, large in a file of the spool as it arrives. */
import type { ContentRef, ContentStore, ContentWriter, SpooledContent } from '../../ports/content.ts';
import { StoreError } from '../../ports/store-error.ts';
import type { StoreClient } from './client.ts';
import { spoolFile } from './paths.ts';
import type { ContentRow } from './protocol.ts';
import type { Room } from './room.ts';
import { forget, readSpoolFile } from './spool-file.ts';
import { type Spooled, SpoolWriter } from './spool-writer.ts';

/** Octets of admitted small content kept at hand for the delivery that follows at once. */
const CACHE_OCTETS_MAX = 32 * 1024 * 1024;

export class SqliteContent implements ContentStore {
  readonly #path: string;
  readonly #client: StoreClient;
  readonly #drawRef: () => ContentRef;
  readonly #room: Room;
  readonly #spooled = new Map<ContentRef, Spooled>();
  /** Admitted small content in order of use, the latest last. */
  readonly #cache = new Map<ContentRef, Uint8Array>();
  #cached = 0;

  constructor(path: string, client: StoreClient, drawRef: () => ContentRef, room: Room) {
    this.#path = path;
    this.#client = client;
    this.#drawRef = drawRef;
    this.#room = room;
  }

  create(): ContentWriter {
    const ref = this.#drawRef();
    return new SpoolWriter(ref, this.#path, this.#room, (spooled) => this.#spooled.set(ref, spooled));
  }

  async *read(ref: ContentRef, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const cached = this.#cache.get(ref);
    if (cached !== undefined) {
      if (cached.length > 0) yield cached;
      return;
    }
    const found = await this.#client.ask({ do: 'content', ref });
    if (found === undefined)
      throw new Error(
        `Cannot read content "${ref}" as it is not there: the store is damaged, or the content was released`,
      );
    if (found.body === null) yield* readSpoolFile(spoolFile(this.#path, ref), signal);
    else if (found.body.length > 0) yield found.body;
  }

  async discard(content: SpooledContent): Promise<void> {
    const spooled = this.#spooled.get(content.ref);
    this.#spooled.delete(content.ref);
    if (spooled?.kind === 'file') await forget(spooled.file);
  }

  /** What the store thread needs to admit it; a refusal when it is not spooled here. */
  row(content: SpooledContent): ContentRow {
    const spooled = this.#spooled.get(content.ref);
    if (spooled === undefined)
      throw new StoreError(
        'failed',
        `Cannot admit content "${content.ref}" as it must be spooled: it was discarded or admitted`,
      );
    return { ref: content.ref, size: content.size, body: spooled.kind === 'memory' ? spooled.octets : null };
  }

  /** The store thread has it now; unless nothing refers to it. */
  async admitted(content: SpooledContent, wanted: boolean): Promise<void> {
    const spooled = this.#spooled.get(content.ref);
    if (spooled === undefined) return;
    if (!wanted) return this.discard(content);
    this.#spooled.delete(content.ref);
    if (spooled.kind === 'file') return;
    this.put(content.ref, spooled.octets);
  }

  /** Of what was admitted here and is small; it is not here afterwards. */
  take(ref: ContentRef): Uint8Array | undefined {
    const octets = this.#cache.get(ref);
    this.released([ref]);
    return octets;
  }

  put(ref: ContentRef, octets: Uint8Array): void {
    this.#cached -= this.#cache.get(ref)?.length ?? 0;
    this.#cache.set(ref, octets);
    this.#cached += octets.length;
    for (const oldest of this.#cache.keys()) {
      if (this.#cached <= CACHE_OCTETS_MAX) break;
      this.released([oldest]);
    }
  }

  /** Gone from the store: not to be answered from the cache either. */
  released(refs: readonly ContentRef[]): void {
    for (const ref of refs) {
      this.#cached -= this.#cache.get(ref)?.length ?? 0;
      this.#cache.delete(ref);
    }
  }
}
