/** Names and passwords of users as they are compared (RFC 4013 SASLprep, which RFC 5802 §5.1 asks for). */

/**
 * Undefined where a character must not stand in a name or a password. Differs from RFC 4013 §2.4: text that runs in two
 * directions is taken, as it compares equal to itself all the same.
 */
export function saslprep(text: string): string | undefined {
  const prepared = text.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) ? undefined : prepared;
}

/** One user however it is typed: programs write addresses in capitals. Undefined where it can be no name. */
export function sameUser(text: string): string | undefined {
  const name = saslprep(text)?.toLowerCase();
  return name === undefined || name === '' || name.length > USER_MAX || /\s/.test(name) ? undefined : name;
}

/** RFC 5321 §4.5.3.1: an address is no longer. */
const USER_MAX = 254;

const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
// biome-ignore lint/suspicious/noMisleadingCharacterClass: code points one by one, as RFC 3454 B.1 lists them.
const NOTHING = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/g;
const PROHIBITED =
  /[\x00-\x1f\x7f-\x9f\u06dd\u070f\u180e\u2028\u2029\u2061-\u206f\ue000-\uf8ff\ufff9-\uffff\u{e0001}\u{e0020}-\u{e007f}\u{f0000}-\u{10ffff}]|\p{Surrogate}/u;
