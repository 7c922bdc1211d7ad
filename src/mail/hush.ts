/** Whoever was told a secret may say it back, in whatever coding: what is told of its words goes without it. */

/** In place of a secret. */
export const HUSHED = '(masked)';

/** Undefined and '' are no secrets. For many texts: what secrets may look like is worked out once. */
export function hushing(secrets: readonly (string | undefined)[]): (text: string) => string {
  const forms = secrets.flatMap((secret) => (secret === undefined || secret === '' ? [] : formsOf(secret)));
  return (text) => forms.reduce((hushed, form) => hushed.replaceAll(form, HUSHED), text);
}

export const hush = (text: string, secrets: readonly (string | undefined)[]): string => hushing(secrets)(text);

/** What a secret may look like, the longest first: as it is, quoted, in percent, in hexadecimal, in base64 wherever it begins. */
export function formsOf(secret: string): readonly string[] {
  const octets = new TextEncoder().encode(secret);
  const hex = [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('');
  const coded = [0, 1, 2].flatMap((before) => {
    const letters = base64Within(octets, before);
    return [letters, letters.replaceAll('+', '-').replaceAll('/', '_')];
  });
  // What is shorter stands in every text.
  const long = [hex, hex.toUpperCase(), ...coded].filter((form) => form.length >= CODED_LEAST);
  const forms = [secret, JSON.stringify(secret).slice(1, -1), inPercent(secret), ...long];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

const CODED_LEAST = 6; // characters

/** A lone half of a character has no octets (RFC 3629 §3). */
const inPercent = (secret: string): string => (secret.isWellFormed() ? encodeURIComponent(secret) : secret);

/** The letters (RFC 4648 §4) that say these octets alone, where others stand before and behind: in AUTH PLAIN the name does. */
function base64Within(octets: Uint8Array, before: number): string {
  const bits = [...new Uint8Array(before), ...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor(bits.length / 6);
  let letters = '';
  for (let n = first; n < end; n += 1) letters += ALPHABET[Number.parseInt(bits.slice(n * 6, n * 6 + 6), 2)];
  return letters;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
