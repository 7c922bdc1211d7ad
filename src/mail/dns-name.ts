/** Domain names as DNS asks for them: which texts can be a question at all, and the one form in which names are compared. */

/** RFC 1035 §2.3.4: octets in a label. */
export const LABEL_MAX = 63;
/** RFC 1035 §2.3.4 allows 255 octets on the wire; with the length octet of the first label and the root's, 253 are left for text. */
export const NAME_MAX = 253;

const encoder = new TextEncoder();

/** Only ASCII letters have no case in DNS (RFC 4343 §3): the Kelvin sign is not a k. */
export const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/**
 * The name lower-case and without the trailing dot; undefined for a text that no DNS message can carry: an empty label, one
 * over 63 octets, more than 253 octets in all. Any other octet may stand in a name (RFC 2181 §11). `''` and `.` are the root.
 */
export function questionName(text: string): string | undefined {
  const name = lowerAscii(text.endsWith('.') ? text.slice(0, -1) : text);
  if (name === '') return text === '.' || text === '' ? '' : undefined;
  // Nearly every name is ASCII, where a character is an octet: asked for each question of each message.
  const octetsOf = /^[\x00-\x7f]*$/.test(name)
    ? (text: string): number => text.length
    : (text: string): number => encoder.encode(text).length;
  if (octetsOf(name) > NAME_MAX) return undefined;
  for (const label of name.split('.')) if (label === '' || octetsOf(label) > LABEL_MAX) return undefined;
  return name;
}

/**
 * Whether the name may be a host's: letters, digits, hyphens, and the underscores that some have all the same. In DNS any
 * octet may stand (RFC 2181 §11), a line break and a terminal's escape too.
 */
export const isHostName = (name: string): boolean => HOST_NAME.test(name);

const HOST_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i;
