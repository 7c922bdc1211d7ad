/** A symbol of a spam scanner as facts and records take it: bounded, cleaned, and with few words where it weighs nothing. */
import { clean } from '../../mail/reply.ts';
import type { SpamSymbol } from '../../ports/services.ts';

/** Three times what a busy message fires; a record keeps them all. */
export const SYMBOLS_MAX = 100;
const NAME_MAX = 80;
const ABOUT_MAX = 80;

/** Most symbols weigh nothing and only say what was looked at: their names tell that, and a record has no room for more. */
export const symbol = (name: string, score: number, about: string): SpamSymbol => ({
  name: clean(name, NAME_MAX),
  // `-0.0` is how reports round; a fact that is 0 is 0.
  score: score === 0 ? 0 : score,
  about: score === 0 ? '' : clean(about, ABOUT_MAX),
});
