/** What an archive says it holds, read as its octets come by. Little is unpacked, and that to a cap. */

import { entryName, type Listing, Names } from './archive-listing.ts';
import type { Archive } from './inside.ts';
import { RarListing } from './rar.ts';
import { Tail } from './tail.ts';
import { TarListing } from './tar.ts';
import { type Unpacking, ZipListing } from './zip.ts';

/** Formats that are told and not listed. */
const UNLISTED: readonly (readonly [string, RegExp])[] = [
  ['7z', /^7z\xbc\xaf\x27\x1c/],
  ['gzip', /^\x1f\x8b\x08/],
  ['bzip2', /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/],
  ['xz', /^\xfd7zXZ\0/],
  ['zstd', /^\x28\xb5\x2f\xfd/],
  ['cab', /^MSCF\0{4}/],
  ['ace', /^[\s\S]{7}\*\*ACE\*\*/],
  // Two octets are no mark: the header that opens the archive says so too.
  ['arj', /^\x60\xea[\s\S]{2}[\x1e-\x30][\s\S]{5}\x02/],
];
/** Formats that pack one file. */
const ONE_FILE: ReadonlySet<string> = new Set(['gzip', 'bzip2', 'xz', 'zstd']);
/** Where the first volume descriptor of an image of a disc has its mark (ECMA-119 §8.1). */
const ISO_AT = 32769;
const ISO = Buffer.from('CD001');
/** How 7z names encryption with AES, and how much of its end is looked through: chance says it there once in a million. */
const SEVEN_AES = Buffer.from('06f10701', 'hex');
const SEVEN_TAIL = 4096;
const OPENING = 264; // up to the mark of tar

export class ArchiveReader {
  #opening: Uint8Array = new Uint8Array(0);
  #format = '';
  #listing: Listing | undefined;
  #zip: ZipListing | undefined;
  #decided = false;
  readonly #iso = Buffer.alloc(ISO.length);
  #size = 0;
  readonly #end = new Tail(SEVEN_TAIL);
  readonly #unpacking: Unpacking;

  constructor(unpacking: Unpacking) {
    this.#unpacking = unpacking;
  }

  write(octets: Uint8Array): void {
    this.#watchIso(octets);
    if (this.#format === '7z') this.#end.write(octets);
    if (this.#decided) {
      this.#listing?.write(octets);
      return;
    }
    this.#opening = this.#opening.length === 0 ? octets : Buffer.concat([this.#opening, octets]);
    if (this.#opening.length >= OPENING) this.#decide();
    else this.#opening = Uint8Array.from(this.#opening);
  }

  /** Null: no archive. `name`: of the file; what holds one file without a name is unpacked to what its own says. */
  end(name = ''): Archive | null {
    if (!this.#decided) this.#decide();
    const listed = this.#listing?.end();
    if (this.#format === '' && this.#iso.equals(ISO))
      return { format: 'iso', encrypted: false, entries: [], partial: true, extensions: [], cut: false };
    // What begins as something else is a zip where it ends as one.
    if (this.#format === '') return this.#zip?.isZip === true ? { format: 'zip', ...listed! } : null;
    if (listed !== undefined) return { format: this.#format, ...listed };
    const names = new Names();
    const written = this.#format === 'gzip' ? gzipName(this.#opening) : '';
    const own = ONE_FILE.has(this.#format) ? name.replace(/\.[^.]*$/, '') : '';
    for (const one of new Set([written, own])) if (one !== '') names.add({ name: one, size: 0, encrypted: false });
    return {
      format: this.#format,
      encrypted: this.#format === '7z' && this.#end.octets().subarray(-SEVEN_TAIL).includes(SEVEN_AES),
      entries: names.entries,
      partial: true,
      extensions: names.extensions,
      cut: false,
    };
  }

  /** A document of an office suite that has a project of macros. */
  get macros(): boolean {
    return this.#zip?.macros ?? false;
  }

  #watchIso(octets: Uint8Array): void {
    const from = ISO_AT - this.#size;
    this.#size += octets.length;
    if (from + ISO.length <= 0 || from >= octets.length) return;
    this.#iso.set(octets.subarray(Math.max(0, from), from + ISO.length), Math.max(0, -from));
  }

  #decide(): void {
    this.#decided = true;
    const start = Buffer.from(this.#opening.subarray(0, OPENING)).toString('latin1');
    this.#format = UNLISTED.find(([, mark]) => mark.test(start))?.[0] ?? '';
    if (this.#format === '7z') this.#end.write(this.#opening);
    if (this.#format !== '') {
      this.#opening = Uint8Array.from(this.#opening); // a name stands in it
      return;
    }
    if (start.startsWith('Rar!\x1a\x07')) {
      this.#format = 'rar';
      this.#listing = new RarListing();
    } else if (start.startsWith('ustar', 257)) {
      this.#format = 'tar';
      this.#listing = new TarListing();
    } else {
      if (/^PK(?:\x03\x04|\x05\x06|\x07\x08)/.test(start)) this.#format = 'zip';
      this.#zip = new ZipListing(this.#unpacking);
      this.#listing = this.#zip;
    }
    this.#listing.write(this.#opening);
    this.#opening = new Uint8Array(0);
  }
}

/** RFC 1952 §2.3.1: the name of the one file in it, where it is given. */
function gzipName(opening: Uint8Array): string {
  if (opening[0] !== 0x1f || (opening[3]! & 0x08) === 0 || (opening[3]! & 0x04) !== 0) return '';
  const end = opening.indexOf(0, 10);
  return end < 0 ? '' : entryName(opening.subarray(10, end));
}
