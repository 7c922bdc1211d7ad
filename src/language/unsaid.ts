/** Secrets that somebody wrote where none belong: a problem tells where and what is wrong, and does not say them again. */

/** Keys whose value is a secret, or a file of one in whose place the secret itself may have been written. */
const KEYS = 'pass\\w+|pwd|secrets?(?:_file)?|tokens?|(?:key|keys|zone)_file';
const SECRET_KEY = new RegExp(`^(?:${KEYS})$`, 'i');
/** `password: x`, also within `{ }`; of `env:NAME` the name is none. A quote that does not end hides the rest of its line. */
const WRITTEN = new RegExp(
  String.raw`(?<![\w-])(?:${KEYS})["']?\s*[:=]\s*(?!["']?env:[A-Za-z_]\w*["']?\s*(?:[,}#]|$))("(?:[^"\\]|\\.)*"|'[^']*'|["'].*|[^,}]+)`,
  'gi',
);
const KEY_ALONE = new RegExp(String.raw`(?<![\w-])(?:${KEYS})["']?\s*:\s*(?:[|>][-+\d]*)?\s*$`, 'i');

const UNSAID = '***';

export interface Unsaid {
  /** What of a line may be shown. */
  readonly line: string;
  /** What of a text about it may be said. */
  of(text: string): string;
}

/** A line of a file, with the one before it: there the key of a value may stand alone. */
export function unsaidIn(line: string, before: string): Unsaid {
  const whole = (KEY_ALONE.test(before) && !isKeyed(line)) || OF_A_KEY.test(line);
  const secrets = whole ? [line.trim()] : [...line.matchAll(WRITTEN)].map(([, value]) => bare(value ?? ''));
  const forms = secrets.flatMap((secret) => [secret, secret.replace(/^[!*&|>]+/, '')]).filter((form) => form !== '');
  return {
    line: whole ? '' : withoutPasses(without(line, forms)),
    of: (text) => withoutPasses(text.replace(WORDS_OF_A_FILE, (part) => without(part, forms))),
  };
}

/** The same for a text about the value of a key, or for its line. */
export function unsaidAt(
  path: readonly (string | number)[],
  value: unknown,
  text: string,
  what: 'text' | 'line' = 'text',
): string {
  const key = String(path.findLast((step) => typeof step === 'string') ?? '');
  const secret =
    SECRET_KEY.test(key) ||
    (key === 'url' && String(value).includes('@')) ||
    (key === 'key' && (path[0] === 'certificates' || path[0] === 'routes'));
  if (!secret) return withoutPasses(text);
  if (typeof value === 'object') return withoutPasses(text.replace(/"[^"]*"/, `"${UNSAID}"`));
  const said = String(value ?? '');
  const forms = [said, said.split('\n')[0] ?? ''].filter((form) => form !== '' && !isVariable(form));
  if (what === 'line') return without(text, forms);
  return withoutPasses(text.replace(WORDS_OF_A_FILE, (part) => without(part, forms)));
}

/** What a message repeats stands in quotes, or is a tag or an alias: our own words may well be somebody's password. */
const WORDS_OF_A_FILE = /".*"|[!*&]\S+/gs;
const without = (text: string, forms: readonly string[]): string =>
  forms.reduce((said, form) => said.replaceAll(form, UNSAID), text);

/** A line of a key in PEM: no word of ours is so long. */
const OF_A_KEY = /^\s*(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/]{40,}={0,2}\s*$/;
const isKeyed = (line: string): boolean => /^\s*(?:-\s+)?[\w-]+\s*:(?:\s|$)/.test(line);
/** `env:NAME`: a secret that is named and not written. */
export const isVariable = (text: string): boolean => /^env:[A-Za-z_]\w*$/.test(text);
const bare = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

/** Passwords in addresses, and keys. */
const withoutPasses = (text: string): string =>
  text
    .replace(/(\burl["']?\s*:.*:\/\/).*@/gi, `$1${UNSAID}@`)
    .replace(/(:\/\/[^\s"'/:@]*:)[^\s"']*@/g, `$1${UNSAID}@`)
    .replace(/(?<![\w.])(?!mailto:|smtp:)([\w.%+-]+:)(?!\/\/)[^\s@"'{}]+@/gi, `$1${UNSAID}@`)
    .replace(/([?&](?:pass|passwd|password|pwd|secret|token|key)=)[^&\s"']+/gi, `$1${UNSAID}`)
    .replace(/-----BEGIN[^"]*/g, UNSAID);
