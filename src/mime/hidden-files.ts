/** Files written into a text: uuencode, yEnc, BinHex, and long runs of base64 that nobody declared. */
import type { AnomalyName } from './anomaly.ts';
import type { Region } from './inside.ts';
import type { Notes } from './notes.ts';

/** Lines of base64 in a row that no person writes; a key or a signature in a letter has fewer. */
const RUN_LINES = 4;
const RUN_OCTETS = 200;
/** Lines are looked at by their start: what begins a file is short. */
const LINE_MAX = 1000;
/** Lines that may begin a file and are looked at for it. */
const TRIES_MAX = 50_000;
const LF = 10;
const CR = 13;
const COLON = 58;

/** `first` and `last`: how a line begins that begins or ends a file, in small letters: most lines are told by that. */
interface Kind {
  readonly reading: Region['reading'];
  readonly odd: AnomalyName;
  readonly begin: RegExp;
  readonly until: RegExp;
  readonly first: Uint8Array;
  readonly last: Uint8Array | undefined;
}

type Open = Kind & { readonly start: number };

export class HiddenFiles {
  readonly #path: string;
  readonly #notes: Notes;
  readonly #placed: boolean;
  /** Where the next octet stands in the content. */
  #at: number;
  /** A line that is not whole yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** The line is over `LINE_MAX`: its rest is passed over. */
  #skipping = false;
  #open: Open | undefined;
  #tries = 0;
  #run: { readonly start: number; lines: number; octets: number } | undefined;

  /** `placed`: the octets are those of the content, so that what is found has a place there. */
  constructor(path: string, start: number, notes: Notes, placed = true) {
    this.#placed = placed;
    this.#path = path;
    this.#at = start;
    this.#notes = notes;
  }

  write(octets: Uint8Array): void {
    const all = this.#rest.length === 0 ? octets : Buffer.concat([this.#rest, octets]);
    const base = this.#at - this.#rest.length;
    let from = 0;
    for (;;) {
      const end = all.indexOf(LF, from);
      if (end < 0) break;
      if (this.#skipping) this.#skipping = false;
      else this.#line(all, from, end, base);
      from = end + 1;
    }
    this.#at += octets.length;
    this.#rest = this.#skipping ? new Uint8Array(0) : all.subarray(from);
    if (this.#rest.length > LINE_MAX) {
      this.#line(this.#rest, 0, this.#rest.length, base + from);
      this.#skipping = true;
      this.#rest = new Uint8Array(0);
    }
    this.#rest = Uint8Array.from(this.#rest);
  }

  end(): void {
    if (this.#rest.length > 0) this.#line(this.#rest, 0, this.#rest.length, this.#at - this.#rest.length);
    this.#endRun(this.#at);
    if (this.#open !== undefined) this.#close(this.#at);
  }

  #line(octets: Uint8Array, from: number, lineEnd: number, base: number): void {
    // There are more already than are told.
    if (this.#notes.result === 'too-much') return;
    let end = lineEnd;
    while (end > from && (octets[end - 1] === CR || octets[end - 1] === 32)) end--;
    if (this.#open !== undefined) {
      const { last, until } = this.#open;
      const may = last === undefined ? octets[end - 1] === COLON : begins(octets, from, last);
      if (may && until.test(textOf(octets, from, end))) this.#close(base + lineEnd);
      else this.#begins(octets, from, end, base);
      return;
    }
    if (isRun(octets, from, end)) {
      this.#run ??= { start: base + from, lines: 0, octets: 0 };
      this.#run.lines++;
      this.#run.octets += end - from;
      return;
    }
    this.#endRun(base + from);
    this.#begins(octets, from, end, base);
  }

  /** One file may begin before the one before it has ended: what opens the second has never seen the first. */
  #begins(octets: Uint8Array, from: number, end: number, base: number): void {
    for (const kind of KINDS) {
      if (end - from <= kind.first.length || !begins(octets, from, kind.first)) continue;
      if (++this.#tries > TRIES_MAX) this.#notes.met('too-much');
      if (!kind.begin.test(textOf(octets, from, end))) continue;
      if (this.#open !== undefined) this.#close(base + from);
      this.#open = { ...kind, start: base + from };
      this.#notes.odd(kind.odd, this.#path);
      return;
    }
  }

  #close(end: number): void {
    const { start, reading } = this.#open!;
    this.#open = undefined;
    if (this.#placed) this.#notes.region({ part: this.#path, reading, start, end });
  }

  #endRun(end: number): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined || run.octets < RUN_OCTETS || (run.lines < RUN_LINES && run.octets < LINE_MAX)) return;
    this.#notes.odd('base64-in-text', this.#path);
    if (this.#placed) this.#notes.region({ part: this.#path, reading: 'base64', start: run.start, end });
  }
}

const KINDS: readonly Kind[] = [
  {
    ...{ begin: /^begin [0-7]{3,4} ./i, until: /^end$/i, reading: 'uuencode', odd: 'uuencode' },
    ...{ first: Buffer.from('begin '), last: Buffer.from('end') },
  },
  {
    ...{ begin: /^begin-base64 [0-7]{3,4} ./i, until: /^====$/, reading: 'uuencode', odd: 'uuencode' },
    ...{ first: Buffer.from('begin-'), last: Buffer.from('====') },
  },
  {
    ...{ begin: /^=ybegin /, until: /^=yend /, reading: 'yenc', odd: 'yenc' },
    ...{ first: Buffer.from('=ybegin '), last: Buffer.from('=yend') },
  },
  {
    ...{ begin: /^\(This file must be converted with BinHex/i, until: /:$/, reading: 'binhex', odd: 'binhex' },
    ...{ first: Buffer.from('(this file'), last: undefined },
  },
];

/** Letters in any case. */
function begins(octets: Uint8Array, from: number, word: Uint8Array): boolean {
  for (let at = 0; at < word.length; at++) {
    const octet = octets[from + at] ?? 0;
    if (octet !== word[at] && (octet | 32) !== word[at]) return false;
  }
  return true;
}

const textOf = (octets: Uint8Array, from: number, end: number): string =>
  Buffer.from(octets.buffer, octets.byteOffset + from, Math.min(end - from, 200)).toString('latin1');

/** A line of base64 alone, long enough to be no word: told by its length, then by its octets. */
function isRun(octets: Uint8Array, from: number, end: number): boolean {
  const length = end - from;
  if (length < 40 && length % 4 !== 0) return false;
  if (length < 4) return false;
  // Most lines of a text show it in their first words.
  for (let at = from; at < end; at++) if (BASE64[octets[at]!] === 0) return false;
  return true;
}

const BASE64 = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')
  BASE64[character.charCodeAt(0)] = 1;
