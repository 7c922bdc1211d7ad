/** What a blocklist's answers mean: codes as operators describe them, `127.0.0.2-3`, `127.0.*.1`, and what is none of them. */

/** Four ranges, an octet each, both ends included. */
type Pattern = readonly (readonly [number, number])[];

/** Undefined unless it is four octets within 127.0.0.0/8 (RFC 5782 §2.1), each a number, a range or `*`. */
export function parseCodePattern(text: string): Pattern | undefined {
  const octets = text.split('.').map((octet): readonly [number, number] | undefined => {
    if (octet === '*') return [0, 255];
    const [, first, last = first] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(octet) ?? [];
    if (first === undefined || last === undefined) return undefined;
    const range = [Number(first), Number(last)] as const;
    return range[0] <= range[1] && range[1] <= 255 ? range : undefined;
  });
  const whole = octets.every((octet) => octet !== undefined);
  return octets.length === 4 && whole && octets[0]![0] === 127 && octets[0]![1] === 127 ? octets : undefined;
}

const matches = (pattern: Pattern, code: string): boolean => {
  const octets = code.split('.').map(Number);
  return pattern.every(([first, last], place) => first <= octets[place]! && octets[place]! <= last);
};

export interface ListCodes {
  /** Patterns with their weights, as written; the first that fits a code counts. */
  readonly codes: { readonly [pattern: string]: number };
  /** Codes by which the list says that it will not answer us. */
  readonly errors: readonly string[];
  /** In place of codes: what each bit of the last octet weighs. */
  readonly bits?: { readonly [bit: string]: number } | undefined;
}

export type Meaning =
  | { readonly kind: 'listed'; readonly pattern: string; readonly weight: number }
  | { readonly kind: 'error'; readonly why: 'refused' | 'undescribed' };

/** Used by several large lists for "you may not ask" (public resolver, over quota): no list means a listing by it. */
const REFUSALS: Pattern = parseCodePattern('127.255.255.*')!;

export function meaningOf(code: string, { codes, errors, bits }: ListCodes): Meaning {
  if (matches(REFUSALS, code)) return { kind: 'error', why: 'refused' };
  // Patterns are validated when the policy is loaded.
  if (errors.some((pattern) => matches(parseCodePattern(pattern)!, code))) return { kind: 'error', why: 'refused' };
  if (bits !== undefined) return bitsOf(code, bits);
  for (const [pattern, weight] of Object.entries(codes))
    if (matches(parseCodePattern(pattern)!, code)) return { kind: 'listed', pattern, weight };
  return { kind: 'error', why: 'undescribed' };
}

/** `127.0.0.80` is bits 16 and 64: one answer says all lists that a domain is on (SURBL, URIBL). */
function bitsOf(code: string, bits: { readonly [bit: string]: number }): Meaning {
  const octets = code.split('.').map(Number);
  const last = octets[0] === 127 ? octets[3]! : 0;
  const set = Object.keys(bits).filter((bit) => (last & Number(bit)) !== 0);
  if (set.length === 0) return { kind: 'error', why: 'undescribed' };
  return { kind: 'listed', pattern: set.join('+'), weight: set.reduce((sum, bit) => sum + bits[bit]!, 0) };
}
