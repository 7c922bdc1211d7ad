/** One record as one line of JSON, for other programs: the view, with nothing in it that could end the line or move a terminal. */
import type { RecordView } from './view.ts';

/**
 * Ends with a line break. JSON escapes C0 controls by itself; DEL, C1 and the two separators that some readers take for
 * line ends (U+2028, U+2029) are escaped here, which changes nothing for a parser.
 */
export function jsonLine(view: RecordView | object): string {
  return `${escaped(JSON.stringify(view))}\n`;
}

/** The same over several lines, for a person who reads JSON. */
export function jsonText(value: unknown): string {
  return `${escaped(JSON.stringify(value, null, 2))}\n`;
}

/** JSON text with what moves a terminal or ends a line written as `\\u…`: the same value for a parser. */
export const escaped = (json: string): string => json.replace(UNSAFE, showEscaped);

const UNSAFE = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const showEscaped = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
