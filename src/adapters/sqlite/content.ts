/** Content: small in memory until it is admitted, large in a file of the spool as it arrives. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { HEADER_OCTETS_MAX } from '../../mail/header.ts';
import type { ContentRef, ContentStore, ContentWriter, SpooledContent } from '../../ports/content.ts';
import { StoreError } from '../../ports/store-error.ts';
import { headerLength, spooledContent } from '../memory/content.ts';
import type { StoreClient } from './client.ts';
import { storeError } from './database.ts';
import { spoolFile, storePaths } from './paths.ts';
import type { ContentRow } from './protocol.ts';
import type { Room } from './room.ts';

/** What is at most this long lies in the queue's database with its entries: one sync for both. Most mail is smaller. */
const SMALL_OCTETS_MAX = 64 * 1024;
/** Octets waiting for the disk beyond which the writer asks for patience. */
const UNWRITTEN_MAX = 1024 * 1024;
/** Octets of admitted small content kept at hand for the delivery that follows at once. */
const CACHE_OCTETS_MAX = 32 * 1024 * 1024;
const READ_OCTETS = 64 * 1024;
/** A message may come octet by octet, and what Node keeps of each piece is 300 octets: pieces this small are gathered. */
const CRUMB_OCTETS_MAX = 512;
const CRUMBS_OCTETS = 4096;

/** Where content lies that was not admitted yet. */
type Spooled =
  | { readonly kind: 'memory'; readonly octets: Uint8Array }
  | { readonly kind: 'file'; readonly file: string };

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
    return new Writer(ref, this.#path, this.#room, (spooled) => this.#spooled.set(ref, spooled));
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
    if (found.body === null) yield* readFile(spoolFile(this.#path, ref), signal);
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

class Writer implements ContentWriter {
  readonly #ref: ContentRef;
  readonly #path: string;
  readonly #room: Room;
  readonly #done: (spooled: Spooled) => void;
  #size = 0;
  /** All of it while it is small; then what the disk has not taken yet. */
  #waiting: Uint8Array[] = [];
  #unwritten = 0;
  /** From the first octet beyond the small on. */
  #large: { readonly hash: ReturnType<typeof createHash>; readonly head: Uint8Array[]; headSize: number } | undefined;
  #writing: Promise<void> | undefined;
  /** Room for crumbs. */
  #crumbs: Uint8Array = Buffer.alloc(0);
  #handle: FileHandle | undefined;
  #failed: unknown;

  constructor(ref: ContentRef, path: string, room: Room, done: (spooled: Spooled) => void) {
    this.#ref = ref;
    this.#path = path;
    this.#room = room;
    this.#done = done;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): boolean {
    const first = this.#size === 0;
    this.#size += chunk.length;
    if (this.#failed !== undefined) return true; // nobody will have it
    return this.#keep(first || chunk.length > CRUMB_OCTETS_MAX ? chunk : this.#gathered(chunk));
  }

  #keep(chunk: Uint8Array): boolean {
    append(this.#waiting, chunk);
    this.#unwritten += chunk.length;
    if (this.#large !== undefined) this.#account(chunk);
    else if (this.#size > SMALL_OCTETS_MAX) {
      this.#large = { hash: createHash('sha256'), head: [], headSize: 0 };
      for (const earlier of this.#waiting) this.#account(earlier);
    }
    if (this.#large !== undefined) this.#writing ??= this.#writeOut();
    return this.#large === undefined || this.#unwritten < UNWRITTEN_MAX;
  }

  async drained(): Promise<void> {
    await this.#writing;
  }

  async finish(): Promise<SpooledContent> {
    if (this.#large === undefined) {
      // A buffer of its own: what is posted to the store thread is copied with all that it is a part of.
      const octets = new Uint8Array(new ArrayBuffer(this.#size));
      let at = 0;
      for (const chunk of this.#waiting) {
        octets.set(chunk, at);
        at += chunk.length;
      }
      this.#waiting = [];
      this.#done({ kind: 'memory', octets });
      return spooledContent(this.#ref, octets);
    }
    await this.#writing;
    try {
      if (this.#failed !== undefined) throw this.#failed;
      await this.#handle!.datasync();
      await this.#handle!.close();
      this.#handle = undefined;
      await syncFolder(storePaths(this.#path).spool);
    } catch (error) {
      await this.abandon();
      throw storeError(error);
    }
    const head = Buffer.concat(this.#large.head);
    const file = spoolFile(this.#path, this.#ref);
    this.#done({ kind: 'file', file });
    return {
      ref: this.#ref,
      size: this.#size,
      sha256: this.#large.hash.digest('hex'),
      header: head.subarray(0, headerLength(head)),
      open: (signal) => readFile(file, signal),
    };
  }

  async abandon(): Promise<void> {
    this.#waiting = [];
    this.#unwritten = 0;
    if (this.#large === undefined) return;
    await this.#writing;
    await this.#handle?.close().catch(alreadyLost);
    this.#handle = undefined;
    await forget(spoolFile(this.#path, this.#ref));
  }

  /** The same octets behind those of the crumb before, where there is room. */
  #gathered(crumb: Uint8Array): Uint8Array {
    if (this.#crumbs.length < crumb.length) this.#crumbs = Buffer.allocUnsafeSlow(CRUMBS_OCTETS);
    const kept = this.#crumbs.subarray(0, crumb.length);
    kept.set(crumb);
    this.#crumbs = this.#crumbs.subarray(crumb.length);
    return kept;
  }

  #account(chunk: Uint8Array): void {
    const large = this.#large!;
    large.hash.update(chunk);
    if (large.headSize >= HEADER_OCTETS_MAX) return;
    append(large.head, chunk);
    large.headSize += chunk.length;
  }

  /** Runs until nothing waits; keeps its failure for `finish`, since nobody awaits it before. */
  async #writeOut(): Promise<void> {
    try {
      this.#handle ??= await open(spoolFile(this.#path, this.#ref), 'wx', 0o600);
      while (this.#waiting.length > 0 && this.#failed === undefined) {
        const chunks = this.#waiting;
        this.#waiting = [];
        const octets = Buffer.concat(chunks);
        const full = this.#room(octets.length);
        if (full !== undefined) throw full;
        await this.#handle.appendFile(octets);
        for (const chunk of chunks) this.#unwritten -= chunk.length;
      }
    } catch (error) {
      this.#failed = error;
      this.#waiting = [];
      this.#unwritten = 0;
      // At once, not when its sender comes to an end: others may need the room.
      if (this.#handle !== undefined) {
        await this.#handle.close().catch(alreadyLost);
        this.#handle = undefined;
        await forget(spoolFile(this.#path, this.#ref));
      }
    }
    this.#writing = undefined;
  }
}

/** Pieces that lie side by side become one. */
function append(pieces: Uint8Array[], piece: Uint8Array): void {
  const last = pieces.at(-1);
  if (last?.buffer !== piece.buffer || last.byteOffset + last.length !== piece.byteOffset) pieces.push(piece);
  else pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + piece.length);
}

async function* readFile(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(READ_OCTETS), 0, READ_OCTETS, null);
      if (bytesRead === 0) return;
      signal.throwIfAborted();
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** A file is there after a power cut only when its folder is written too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What cannot be removed now is swept at the next start. */
async function forget(file: string): Promise<void> {
  await rm(file, { force: true }).catch(alreadyLost);
}

/** The file was to be thrown away: that the disk would not have it either changes nothing. */
const alreadyLost = (): void => {};
