/** One record as one line of JSON, for other programs: the view, with nothing in it that could end the line or move a terminal. */
import type { RecordView } from './view.ts';

/**
 * Ends with a line break. JSON escapes C0 controls by itself; DEL, C1 and the two separators that some readers take for
 * line ends (U+2028, U+2029) are escaped here, which changes nothing for a parser.
 */
export function jsonLine(view: RecordView | object): string {
  return `${JSON.stringify(view).replace(UNSAFE, showEscaped)}\n`;
}

/** The same over several lines, for a person who reads JSON. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(UNSAFE, showEscaped)}\n`;
}

const UNSAFE = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const showEscaped = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
