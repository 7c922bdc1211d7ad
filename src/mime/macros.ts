/** Macros in the older documents of office suites: OLE2 storages whose directory names them. */

const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex');
/** Names as the directory has them, UTF-16 (MS-CFB §2.6.1, MS-OVBA §2.2.1). */
const NAMES = ['_VBA_PROJECT', 'VBA_PROJECT_CUR', 'Macros\0'].map((name) => Buffer.from(name, 'utf16le'));
const LONGEST = Math.max(...NAMES.map(({ length }) => length));

export class MacroScanner {
  found = false;
  #ole: boolean | undefined;
  #tail: Buffer = Buffer.alloc(0);

  write(octets: Uint8Array): void {
    if (this.found || this.#ole === false) return;
    const all = this.#tail.length === 0 ? bufferOf(octets) : Buffer.concat([this.#tail, octets]);
    if (this.#ole === undefined && all.length >= OLE.length) {
      this.#ole = all.subarray(0, OLE.length).equals(OLE);
      if (!this.#ole) {
        this.#tail = Buffer.alloc(0);
        return;
      }
    }
    if (this.#ole === true) this.found = NAMES.some((name) => all.includes(name));
    this.#tail = Buffer.from(all.subarray(Math.max(0, all.length - LONGEST + 1)));
    if (this.#ole === undefined) this.#tail = Buffer.from(all);
  }
}

const bufferOf = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.length);
