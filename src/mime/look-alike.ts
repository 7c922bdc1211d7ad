/** Names that pass for other names: labels that mix scripts, or are written in letters that look Latin and are not (UTS #39). */
import { toUnicode } from '../mail/address.ts';

/** Scripts that letters of names may be of; whatever is of none of them is `other`. */
const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Han', /\p{Script=Han}/u],
  ['Hiragana', /\p{Script=Hiragana}/u],
  ['Katakana', /\p{Script=Katakana}/u],
  ['Hangul', /\p{Script=Hangul}/u],
  ['Bopomofo', /\p{Script=Bopomofo}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
];
/** "Highly restrictive" (UTS #39 §5.2): what is written together every day in Japan, Korea and China. */
const TOGETHER: readonly (readonly string[])[] = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Hangul'],
  ['Latin', 'Han', 'Bopomofo'],
];
/** Cyrillic and Greek letters that nobody tells from Latin ones. */
const LATIN_LOOKING = /^[аӏсԁеһіјоркԛѕԝхуѵүгԍьъ\u03bf\u03bd\u03c1\u03b9\u03ba0-9-]+$/u;

/** `name` in A-labels. */
export function isLookAlike(name: string): boolean {
  if (!name.includes('xn--')) return false;
  const labels = toUnicode(name).split('.');
  // In a country that writes so, a name of such letters is a word.
  const local = !/^[a-z0-9-]*$/.test(labels.at(-1) ?? '');
  return labels.some(
    (label) => !/^[\x00-\x7f]*$/.test(label) && (mixes(label) || (!local && LATIN_LOOKING.test(label))),
  );
}

function mixes(label: string): boolean {
  const scripts = new Set<string>();
  for (const letter of label) {
    if (!/\p{L}/u.test(letter)) continue;
    // Written with all of them, such as the long vowel mark of Japanese.
    if (/[\p{Script=Common}\p{Script=Inherited}]/u.test(letter)) continue;
    scripts.add(SCRIPTS.find(([, of]) => of.test(letter))?.[0] ?? 'other');
  }
  return scripts.size > 1 && !TOGETHER.some((set) => [...scripts].every((script) => set.includes(script)));
}
