/** How much of a message is looked at. Real mail stays far below; beyond a bound the result says which one was met. */
export const BOUNDS = {
  /** Parts of a message. A thousand take a thousand hashes and names; mail that people write has dozens. */
  parts: 1000,
  /** Multiparts and messages in one another. Forwarded ten times over, a message has twenty. */
  depth: 20,
  /** Octets of the header section of a part. */
  headerOctets: 64 * 1024,
  /** Octets of text kept decoded, of all parts together: what rules and link scanners read. */
  textOctets: 256 * 1024,
  /** Of each, with the part it is in. */
  anomalies: 200,
  regions: 200,
  /** Longer lines are no delimiters: 70 characters of boundary, blanks behind (RFC 2046 §5.1.1). */
  delimiterLine: 1000,
} as const;
