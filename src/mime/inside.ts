/** What is inside a message: its parts as a tree read in one pass, where each lies, and what about them is odd. */

import type { AnomalyName } from './anomaly.ts';

/** One entry of an archive as its listing names it. Text from outside. */
export interface ArchiveEntry {
  readonly name: string;
  /** Octets once unpacked, as the archive claims. */
  readonly size: number;
  readonly encrypted: boolean;
}

/** The listing of an archive; nothing is unpacked to make it. */
export interface Archive {
  /** `zip`, `rar`, `7z`, `tar`, `gzip`, …: by magic number, never by name. */
  readonly format: string;
  /** Some entry, or the listing itself, needs a password. */
  readonly encrypted: boolean;
  /** In order, with those of archives within archives, to a cap. */
  readonly entries: readonly ArchiveEntry[];
  /** The listing says less than there is: damaged, nested too deep, too many entries, or a format that cannot be listed. */
  readonly partial: boolean;
  /** What follows the last dot of all names in it, also of those that are not among the entries; each once. */
  readonly extensions: readonly string[];
  /** A bound was met: there may be other endings. */
  readonly cut: boolean;
}

export interface Part {
  /** As IMAP numbers parts (RFC 9051 §6.4.5): `1`, `2.1`; parts of a message within part 2 are `2.1` and on. */
  readonly path: string;
  /** Declared, lower case: `text/plain`; `text/plain` where nothing is declared (RFC 2045 §5.2). */
  readonly type: string;
  /** By magic number, '' where none is known: `application/zip`. */
  readonly detected: string;
  /** File name as a client would show it (RFC 2231, RFC 2047, and what they really read), '' where there is none. Text from outside. */
  readonly name: string;
  /** What follows the last dot of the name, lower case, '' where there is none. */
  readonly extension: string;
  readonly disposition: 'attachment' | 'inline' | '';
  /** A client shows it as a file to open: not the text a person reads. */
  readonly attachment: boolean;
  /** Declared, lower case: `base64`; `7bit` where nothing is declared. */
  readonly encoding: string;
  /** As it was decoded: what lenient readers take the declaration for. */
  readonly reading: 'base64' | 'quoted-printable' | 'identity';
  /** Octets once decoded. */
  readonly size: number;
  /** Of the decoded octets, lower-case hex; '' for a message within, whose parts have theirs. */
  readonly sha256: string;
  /**
   * Octets of the content: the part's header section, its body, its end before the CRLF of the delimiter that follows. What
   * lies within an encoded message has the place of the part that carries it.
   */
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
  readonly archive: Archive | null;
  /** A document of an office suite that carries macros. */
  readonly macros: boolean;
}

/** One thing that is odd, by its name in docs/reference/anomalies.md, and where. */
export interface Anomaly {
  readonly name: AnomalyName;
  /** Path of the part, '' for the message as a whole. */
  readonly part: string;
}

/** Octets outside the parts as they are declared, in which something may hide, and how they would be read. */
export interface Region {
  readonly part: string;
  readonly reading: 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'yenc' | 'binhex';
  readonly start: number;
  readonly end: number;
}

/** Decoded text of one part that people read, cut at the limit. */
export interface PartText {
  readonly part: string;
  readonly html: boolean;
  readonly text: string;
}

export interface Inside {
  /** Leaves and messages within, in the order they stand; containers (`multipart/*`) are not among them. */
  readonly parts: readonly Part[];
  readonly anomalies: readonly Anomaly[];
  readonly regions: readonly Region[];
  readonly texts: readonly PartText[];
  /** There was more text than is kept (`limits.text`). */
  readonly textsCut: boolean;
  /** How deep parts lie in one another; 0 for a message that is one part. */
  readonly depth: number;
  /** `ok`, or the bound that was met: what lies beyond it was not read. */
  readonly result: 'ok' | 'too-many-parts' | 'too-deep' | 'too-much';
}
