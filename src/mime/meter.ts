/** Counts what a scanner looks at: that its cost grows with the text and no faster is then a property, not a stopwatch. */
export class Meter {
  /** Characters looked at. */
  steps = 0;
}
