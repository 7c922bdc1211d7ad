/** Text from outside as a mail or a page shows it: nothing in it moves a terminal, turns the line or becomes a link. */
import { clean } from '../../mail/reply.ts';

/** Cleaned, at most `limit` characters, and its addresses broken up: programs make links of what looks like one. */
export const shown = (text: string, limit: number): string => withoutLinks(clean(text.replace(INVISIBLE, ''), limit));

/**
 * `https[:]//bank[.]example/x`: what a mail program takes for a link is a scheme or a name with dots, whatever stands around.
 * A person still reads it.
 */
function withoutLinks(text: string): string {
  return text.replace(SCHEME, '$1[:]').replace(DOT, '[.]');
}

/** A letter's word with its colon and no blank after it. */
const SCHEME = /([\p{L}][\p{L}\p{N}+.-]{0,30}):(?=\S)/gu;
/** A dot before a letter or a label that has one, and the dots that names in other scripts are written with (RFC 3490 §3.1). */
const DOT = /(?<=[\p{L}\p{N}_-])(?:\.(?=[\p{N}-]{0,63}\p{L})|[\u3002\uff0e\uff61](?=[\p{L}\p{N}]))/gu;
/** Nothing to the eye, and a word broken or turned: zero-width characters, soft hyphens, bidirectional and other format controls, tags. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
