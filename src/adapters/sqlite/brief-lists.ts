/** Groups with known names as lists of their values and back, and words as their places: what a record's short form is made of. */

export type Named = { readonly [name: string]: unknown };

/** Part of the form: rows were written with it. */
export const STAGES = ['connect', 'helo', 'mail', 'rcpt', 'data', 'content'];

/** The place of a word in a list, or what is not in it itself. */
export function place(words: readonly string[], word: unknown): unknown {
  const at = words.indexOf(word as string);
  return at < 0 ? word : at;
}
export const named = (words: readonly string[], at: unknown): unknown => (typeof at === 'number' ? words[at] : at);

/** Has it these names, all of them, in this order, and no others? */
export function isOf(value: object, names: readonly string[]): boolean {
  let n = 0;
  for (const name in value) if (name !== names[n++]) return false;
  return n === names.length;
}

/** The values alone; undefined where the names are others. */
export function shaped(value: unknown, names: readonly string[]): readonly unknown[] | undefined {
  if (typeof value !== 'object' || value === null || !isOf(value, names)) return undefined;
  const values: unknown[] = [];
  for (const name of names) {
    const one = (value as Named)[name];
    // JSON leaves it out of an object, and makes it null in a list.
    if (one === undefined) return undefined;
    values.push(one);
  }
  return values;
}

export const unshaped = (values: readonly unknown[], names: readonly string[]): Named =>
  Object.fromEntries(names.map((name, n) => [name, values[n]]));

export function isEmpty(value: unknown): boolean {
  for (const _ in value as object) return false;
  return true;
}
