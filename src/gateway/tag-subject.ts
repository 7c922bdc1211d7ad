/** A tag before the subject: the octets of what was written stay as they are, encoded words and folds included. */

import { encodeWords, isPlainText } from '../mail/encode-words.ts';
import { decodeWords } from '../mail/encoded-word.ts';
import { foldField } from '../mail/header.ts';
import type { Edit } from '../queue/entry.ts';
import type { HeaderFacts } from './edge.ts';

/**
 * Every Subject field gets what it lacks: a message may have only one (RFC 5322 §3.6), and of several nobody knows which a
 * client shows. One that has none gets one. `header` are the octets that the fields' places count in.
 */
export function tagSubject(
  wanted: readonly string[],
  { fields }: Pick<HeaderFacts, 'fields'>,
  header: Uint8Array,
): readonly Edit[] {
  const tags = [...new Set(wanted)].filter((tag) => tag !== '');
  if (tags.length === 0) return [];
  const subjects = fields.filter(({ name }) => name === 'subject');
  if (subjects.length === 0) return [{ kind: 'addField', field: `Subject:${front(tags, '')}` }];
  return subjects.flatMap(({ start, end, value }): readonly Edit[] => {
    const lacking = tags.filter((tag) => !leading(decodeWords(value), tags).includes(tag));
    if (lacking.length === 0) return [];
    const from = header.indexOf(COLON, start) + 1;
    let to = from;
    while (to < end && (header[to] === SPACE || header[to] === TAB)) to++;
    const line = header.indexOf(CR, to);
    const rest = line < 0 || line > end ? end - to : line - to;
    const text = front(lacking, value);
    const room = LINE_MAX - (from - start) - (text.length - Math.max(text.lastIndexOf('\r\n'), 0));
    const gap = rest === 0 ? '' : rest + 1 > room ? '\r\n ' : ' ';
    return [{ kind: 'replaceOctets', start: from, end: to, text: `${text}${gap}` }];
  });
}

/** The tags with the space before them, folded where they are long. */
function front(tags: readonly string[], value: string): string {
  const text = tags.join(' ');
  // The space between two encoded words is not shown (RFC 2047 §6.2): the one that shall be seen goes into ours.
  const written = isPlainText(text) ? text : encodeWords(value.startsWith('=?') ? `${text} ` : text);
  return foldField('Subject', written).slice('Subject:'.length);
}

/** The tags that stand before the subject already, among them those after `Re:` and its like: an answer carries them back. */
function leading(subject: string, tags: readonly string[]): readonly string[] {
  const found: string[] = [];
  let rest = subject.trimStart();
  for (;;) {
    const tag = tags.find((one) => rest.startsWith(one));
    if (tag === undefined && !REPLY.test(rest)) return found;
    if (tag !== undefined) found.push(tag);
    rest = (tag === undefined ? rest.replace(REPLY, '') : rest.slice(tag.length)).trimStart();
  }
}

const REPLY = /^(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv)(?:\[\d{1,3}\])?:/i;
const LINE_MAX = 78; // RFC 5322 §2.1.1
const COLON = 58;
const SPACE = 32;
const TAB = 9;
const CR = 13;
