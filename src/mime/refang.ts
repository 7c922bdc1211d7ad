/** Undoes what keeps addresses in text from being seen: `example[.]com`, full-width letters, invisible characters within names. */
import type { Meter } from './meter.ts';

/** Anything below this, the brackets aside, is left as it is: most text has none of it. */
const SPECIAL = /[[({\u00ad\u180e\u200b-\u200f\u2024\u2060-\u2064\u3002\ufe52\ufeff\uff01-\uff5e\uff61]/g;
/** `[.]`, `(dot)`, `{://}`, and what is written with blanks inside. */
const BRACKETED = /^[[({] {0,2}(\.|,|dot|punkt|point|:\/\/|:|\/) {0,2}[\])}]/i;
const BRACKETED_MAX = 12;

export function refang(text: string, meter: Meter): string {
  meter.steps += text.length;
  const pieces: string[] = [];
  let from = 0;
  SPECIAL.lastIndex = 0;
  for (let found = SPECIAL.exec(text); found !== null; found = SPECIAL.exec(text)) {
    const at = found.index;
    const letter = found[0];
    meter.steps += BRACKETED_MAX;
    const bracketed = '[({'.includes(letter) ? BRACKETED.exec(text.slice(at, at + BRACKETED_MAX)) : null;
    if ('[({'.includes(letter) && bracketed === null) continue;
    // `example [dot] com`: the blanks around go too.
    const end = at + (bracketed?.[0].length ?? 1);
    const dotted = bracketed !== null && /^[a-z,.]/i.test(bracketed[1]!);
    const blankBefore = dotted && at > from && text[at - 1] === ' ' && isWord(text[at - 2]);
    const blankBehind = dotted && text[end] === ' ' && isWord(text[end + 1]);
    pieces.push(
      text.slice(from, blankBefore ? at - 1 : at),
      bracketed === null ? plainOf(letter) : dotted ? '.' : bracketed[1]!,
    );
    from = blankBehind ? end + 1 : end;
    SPECIAL.lastIndex = from;
  }
  if (from === 0) return text;
  pieces.push(text.slice(from));
  return pieces.join('');
}

/** Full-width forms as ASCII, other dots as the dot (RFC 3490 §3.1), invisible ones as nothing. */
function plainOf(letter: string): string {
  const code = letter.charCodeAt(0);
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  return code === 0x2024 || code === 0x3002 || code === 0xfe52 || code === 0xff61 ? '.' : '';
}

const isWord = (letter: string | undefined): boolean => letter !== undefined && /^[\p{L}\p{N}]$/u.test(letter);
