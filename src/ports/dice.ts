/** Chance as a service: jitter and ids. */
export interface Dice {
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
}
