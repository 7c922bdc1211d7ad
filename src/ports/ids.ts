/** Names for records and everything that hangs on them. */
export interface Ids {
  /** Never the same twice on one node, and never less than the one before on one thread. */
  next(): string;
}
