/** Takes the octets of one message: in memory while they are few, to a file of the spool as they come once they are many. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { HEADER_OCTETS_MAX } from '../../mail/header.ts';
import type { ContentRef, ContentWriter, SpooledContent } from '../../ports/content.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { headerLength, spooledContent } from '../memory/content.ts';
import { storeError } from './database.ts';
import { spoolFile, storePaths } from './paths.ts';
import type { Room } from './room.ts';
import { alreadyLost, forget, readSpoolFile } from './spool-file.ts';

/** What is at most this long lies in the queue's database with its entries: one sync for both. Most mail is smaller. */
const SMALL_OCTETS_MAX = 64 * 1024;
/** Octets waiting for the disk beyond which the writer asks for patience. */
const UNWRITTEN_MAX = 1024 * 1024;
/** Of what is small, in pieces: a message may come octet by octet, and what Node keeps of each piece is 300 octets. */
const CRUMBS_OCTETS = 4096;
/** Of what is large: what comes while one is written goes to the disk at once. */
const BLOCK_OCTETS = 256 * 1024;

/** Where content lies that was not admitted yet. */
export type Spooled =
  | { readonly kind: 'memory'; readonly octets: Uint8Array }
  | { readonly kind: 'file'; readonly file: string };

export class SpoolWriter implements ContentWriter {
  readonly #ref: ContentRef;
  readonly #path: string;
  readonly #room: Room;
  readonly #done: (spooled: Spooled) => void;
  #size = 0;
  /** All of it while it is small; then what the disk has not taken yet. The last has room, perhaps. */
  #blocks: Block[] = [];
  /** Written, to be filled again: what waits for the disk takes no more memory than that, however long the message. */
  readonly #spare: Block[] = [];
  #unwritten = 0;
  /** From the first octet beyond the small on. */
  #large: { readonly hash: ReturnType<typeof createHash>; readonly head: Block } | undefined;
  #writing: Promise<void> | undefined;
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
    this.#size += chunk.length;
    if (this.#failed !== undefined) return true; // nobody will have it
    for (let at = 0; at < chunk.length; ) at += append(this.#block(chunk.length - at), chunk, at);
    this.#unwritten += chunk.length;
    if (this.#large !== undefined) this.#account(chunk);
    else if (this.#size > SMALL_OCTETS_MAX) {
      this.#large = { hash: createHash('sha256'), head: block(HEADER_OCTETS_MAX) };
      for (const earlier of this.#blocks) this.#account(filled(earlier));
    }
    if (this.#large !== undefined) this.#writing ??= this.#writeOut();
    return this.#large === undefined || this.#unwritten < UNWRITTEN_MAX;
  }

  async drained(): Promise<void> {
    await this.#writing;
  }

  async finish(): Promise<SpooledContent> {
    if (this.#large === undefined) {
      const octets = whole(this.#blocks, this.#size);
      this.#blocks = [];
      this.#done({ kind: 'memory', octets });
      return spooledContent(this.#ref, octets);
    }
    await this.#writing;
    this.#spare.length = 0;
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
    const head = filled(this.#large.head);
    const file = spoolFile(this.#path, this.#ref);
    this.#done({ kind: 'file', file });
    return {
      ref: this.#ref,
      size: this.#size,
      sha256: this.#large.hash.digest('hex'),
      header: head.slice(0, headerLength(head)),
      open: (signal) => readSpoolFile(file, signal),
    };
  }

  async abandon(): Promise<void> {
    this.#forget();
    if (this.#large === undefined) return;
    await this.#writing;
    await this.#handle?.close().catch(alreadyLost);
    this.#handle = undefined;
    await forget(spoolFile(this.#path, this.#ref));
  }

  /** One with room. Most letters come in one piece: its block is what is kept of it in the end. */
  #block(wanted: number): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.length < last.octets.length) return last;
    const next =
      this.#large !== undefined
        ? (this.#spare.pop() ?? block(BLOCK_OCTETS))
        : block(last === undefined ? wanted : Math.max(wanted, CRUMBS_OCTETS));
    this.#blocks.push(next);
    return next;
  }

  #account(chunk: Uint8Array): void {
    const { hash, head } = this.#large!;
    hash.update(chunk);
    append(head, chunk, 0);
  }

  /** Runs until nothing waits; keeps its failure for `finish`, since nobody awaits it before. */
  async #writeOut(): Promise<void> {
    try {
      this.#handle ??= await open(spoolFile(this.#path, this.#ref), 'wx', 0o600);
      for (let next = this.#blocks.shift(); next !== undefined; next = this.#blocks.shift()) {
        const full = this.#room(next.length);
        if (full !== undefined) throw full;
        await this.#handle.appendFile(filled(next));
        this.#unwritten -= next.length;
        if (next.octets.length === BLOCK_OCTETS) this.#spare.push({ octets: next.octets, length: 0 });
      }
    } catch (error) {
      this.#failed = error;
      this.#forget();
      // At once, not when its sender comes to an end: others may need the room.
      if (this.#handle !== undefined) {
        await this.#handle.close().catch(alreadyLost);
        this.#handle = undefined;
        await forget(spoolFile(this.#path, this.#ref));
      }
    }
    this.#writing = undefined;
  }

  #forget(): void {
    this.#blocks = [];
    this.#spare.length = 0;
    this.#unwritten = 0;
  }
}

/** Octets and how many of them are filled. */
interface Block {
  readonly octets: Uint8Array<ArrayBuffer>;
  length: number;
}

const block = (octets: number): Block => ({ octets: new Uint8Array(octets), length: 0 });
const filled = ({ octets, length }: Block): Uint8Array<ArrayBuffer> => octets.subarray(0, length);

/** As much of what stands from `at` on as there is room for. */
function append(to: Block, chunk: Uint8Array, at: number): number {
  const taken = Math.min(to.octets.length - to.length, chunk.length - at);
  to.octets.set(taken === chunk.length ? chunk : chunk.subarray(at, at + taken), to.length);
  to.length += taken;
  return taken;
}

/** A buffer of its own: what is posted to the store thread is copied with all that it is a part of. */
function whole(blocks: readonly Block[], size: number): Uint8Array<ArrayBuffer> {
  if (blocks[0]?.octets.length === size) return blocks[0].octets;
  const octets = new Uint8Array(size);
  let at = 0;
  for (const one of blocks) {
    octets.set(filled(one), at);
    at += one.length;
  }
  return octets;
}
