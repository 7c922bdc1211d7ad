/** The valid word someone probably meant, so that an error can name it. */

/** The nearest of `words`, or undefined when none is near enough to be a slip of the hand. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const meant = plain(word);
  // A third of the letters may differ: `lisener` finds `listener`, `foo` finds nothing.
  const far = Math.min(meant.length, Math.max(1, Math.floor(meant.length / 3)) + 1);
  let best: string | undefined;
  let bestDistance = far;
  for (const candidate of words) {
    const distance = Math.min(editDistance(meant, plain(candidate), bestDistance), extends_(meant, plain(candidate)));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "listeners"?`, or '' when no word is near. */
export function didYouMean(word: string, words: Iterable<string>): string {
  const near = nearest(word, words);
  return near === undefined ? '' : `did you mean "${near}"?`;
}

/** Longer words are no slips; bounds the work. */
const WORD_MAX = 64;

/** Case, dashes and underscores are the commonest slips of all. */
const plain = (word: string): string => word.toLowerCase().replaceAll('-', '_');

/** `greylisting` for `greylist`, `recipient` for `recipients`: one word begins with the other. */
function extends_(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= 4 && long.startsWith(short) ? 1 : Number.POSITIVE_INFINITY;
}

/** Insertions, deletions, changes and swaps of neighbours (Damerau, optimal string alignment); stops caring at `far`. */
function editDistance(a: string, b: string, far: number): number {
  if (Math.abs(a.length - b.length) >= far || a.length > WORD_MAX || b.length > WORD_MAX) return far;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
