/** Secrets that somebody wrote where none belong: a problem tells where and what is wrong, and does not say them again. */

/** Keys whose value is a secret, or a file of one in whose place the secret itself may have been written. */
const KEYS = 'passwd|pwd|pass(?:word|phrase)(?:_file)?|secrets?(?:_file)?|tokens?|(?:key|keys|zone)_file';
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
  const of = (text: string) => withoutPasses(forms.reduce((said, form) => said.replaceAll(form, UNSAID), text));
  return { line: whole ? '' : of(line), of };
}

/** The same for a text about the value of a key. */
export function unsaidAt(path: readonly (string | number)[], value: unknown, text: string): string {
  const key = String(path.findLast((step) => typeof step === 'string') ?? '');
  const secret = SECRET_KEY.test(key) || (key === 'url' && String(value).includes('@'));
  if (!secret || typeof value === 'object') return withoutPasses(text);
  const said = String(value ?? '');
  const first = said.split('\n')[0] ?? '';
  return withoutPasses(
    [said, first].reduce(
      (rest, form) => (form === '' || isVariable(form) ? rest : rest.replaceAll(form, UNSAID)),
      text,
    ),
  );
}

/** A line of a key in PEM: no word of ours is so long. */
const OF_A_KEY = /^\s*(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/]{40,}={0,2}\s*$/;
const isKeyed = (line: string): boolean => /^\s*(?:-\s+)?[\w-]+\s*:(?:\s|$)/.test(line);
const isVariable = (text: string): boolean => /^env:[A-Za-z_]\w*$/.test(text);
const bare = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/, '$2');

/** Passwords in addresses, and keys. */
const withoutPasses = (text: string): string =>
  text
    .replace(/(\burl["']?\s*:.*:\/\/).*@/gi, `$1${UNSAID}@`)
    .replace(/(:\/\/)[^\s"']*@/g, `$1${UNSAID}@`)
    .replace(/(?<![\w.])(?!mailto:|smtp:)([\w.%+-]+:)[^\s@"'{}]+@/gi, `$1${UNSAID}@`)
    .replace(/([?&](?:pass|passwd|password|pwd|secret|token|key)=)[^&\s"']+/gi, `$1${UNSAID}`)
    .replace(/-----BEGIN[^"]*/g, UNSAID);
