/** How much of a message is looked at. Real mail stays far below; beyond a bound the result says which one was met. */
export const BOUNDS = {
  /** Octets of the header section of a part. */
  headerOctets: 64 * 1024,
  /** The same of all parts together: five hundred of them have some 300 octets each. */
  headersOctets: 1024 * 1024,
  /** Octets unpacked of archives within archives, of all parts together: 4 to 13 ms of inflating. */
  unpackedOctets: 8 * 1024 * 1024,
  /** Messages carried encoded in one another: each costs another reading. Mail programs encode none. */
  carried: 3,
  /** Headers of entries in zips, of all parts together: each entry has two. Some 30 ms of reading. */
  archiveHeaders: 30_000,
  /** Of each, with the part it is in. */
  anomalies: 200,
  regions: 200,
  /** Lines that are delimiters, or nearly are: a part has one or two. */
  delimiters: 10_000,
  /** Longer lines are no delimiters: 70 characters of boundary, blanks behind (RFC 2046 §5.1.1). */
  delimiterLine: 1000,
} as const;

/** Those that an operator may move (`limits.parts`, `limits.part_depth`, `limits.text`). */
export interface Bounds {
  readonly parts: number;
  /** Multiparts and messages in one another. */
  readonly partDepth: number;
  /** Octets of text kept decoded, of all parts together. */
  readonly textBytes: number;
}

/** As the configuration has them where nothing is written. */
export const USUAL_BOUNDS: Bounds = { parts: 500, partDepth: 20, textBytes: 256 * 1024 };
