/** Record ids: 13 characters that sort by time and are unique across threads and nodes, because every other thing is named after them. */
import type { Timestamp } from '../mail/time.ts';

/** Time counts from here: 41 bits of milliseconds last until 2089. */
export const ID_EPOCH: Timestamp = Date.UTC(2020, 0, 1);
export const NODE_BITS = 10;
/** Shared by the threads of a node: the upper bits name the thread. */
export const COUNTER_BITS = 14;

// Crockford's base 32 in lower case: in order of ASCII, without i, l, o and u, which are misread or misspelt.
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const SHAPE = /^[0-9a-hjkmnp-tv-z]{13}$/;
const LOW = 2 ** (NODE_BITS + COUNTER_BITS);
const TICKS_MAX = 2 ** 41 - 1;

/** 41 bits of milliseconds, 10 of node, 14 of counter. */
export function formatId(at: Timestamp, node: number, counter: number): string {
  const ticks = Math.min(Math.max(at - ID_EPOCH, 0), TICKS_MAX);
  const tail = (ticks % 2) * LOW + node * 2 ** COUNTER_BITS + counter;
  return digits(Math.floor(ticks / 2), 8) + digits(tail, 5);
}

/** When the id was drawn; undefined for a text that is no id. */
export function timeOfId(id: string): Timestamp | undefined {
  if (!SHAPE.test(id)) return undefined;
  return ID_EPOCH + number(id.slice(0, 8)) * 2 + Math.floor(number(id.slice(8)) / LOW);
}

/** The least id of an instant: `id >= firstIdAt(since)` and `id < firstIdAt(until + 1)` bound a span of time. */
export const firstIdAt = (at: Timestamp): string => formatId(at, 0, 0);

function digits(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = DIGITS[rest % 32]! + text;
  return text;
}
function number(text: string): number {
  let value = 0;
  for (const digit of text) value = value * 32 + DIGITS.indexOf(digit);
  return value;
}
