/** Secrets put where a test can look for them afterwards, in whatever coding they may have come out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As it is, quoted, in percent, in hexadecimal, and in base64 wherever it begins: `AUTH PLAIN` has a name before it. */
export function codings(secret: string): readonly string[] {
  const octets = Buffer.from(secret);
  const inBase64 = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), octets])
      .toString('base64')
      // Letters at the ends hold bits of their neighbours, too.
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + octets.length) * 8) / 6)),
  );
  const all = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    octets.toString('hex'),
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(all)];
}

/** What a key in PEM is made of: each line of its body, and its octets at their end, where they are its own. */
export function partsOfPem(pem: string): readonly string[] {
  const lines = pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  const end = Buffer.from(lines.join(''), 'base64').subarray(-24);
  return [...lines.filter((line) => line.length > 30), end.toString('latin1'), end.toString('hex')];
}

export interface Secret {
  /** The key of the configuration, or what else it is. */
  readonly kind: string;
  readonly forms: readonly string[];
}

export const planted = (kind: string, secret: string): Secret => ({ kind, forms: codings(secret) });

/** What came out, by where; answers each secret that stands in it. */
export function leaks(texts: ReadonlyMap<string, string>, secrets: readonly Secret[]): readonly string[] {
  const found: string[] = [];
  for (const [where, text] of texts) {
    const folded = text.toLowerCase();
    for (const { kind, forms } of secrets)
      for (const form of forms) {
        const at = folded.indexOf(form.toLowerCase());
        if (at >= 0) found.push(`${kind} in ${where}: …${text.slice(Math.max(0, at - 60), at + 60)}…`);
      }
  }
  return found;
}

/** Every file below a folder but those named, octet for octet. */
export function filesBelow(folder: string, but: readonly string[] = []): Map<string, string> {
  const left = new Set(but.map((name) => join(folder, name)));
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => ![...left].some((one) => path === one || path.startsWith(`${one}/`)))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]),
  );
}

type Json = { readonly [key: string]: unknown };

/** Keys of a JSON Schema by whose name, or by what is written there, a secret may stand or be named: `routes.*.auth.password`. */
export function secretiveKeys(schema: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (node: unknown, path: readonly string[]): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [word, under] of Object.entries(node as Json)) {
      if (Array.isArray(node)) walk(under, path);
      else if (word === 'additionalProperties') walk(under, [...path, '*']);
      else if (word !== 'properties') walk(under, path);
      else
        for (const [name, key] of Object.entries(under as Json)) {
          if (isSecretive(name, key as Json)) found.add([...path, name].join('.'));
          walk(key, [...path, name]);
        }
    }
  };
  walk(schema, []);
  return found;
}

const isSecretive = (name: string, { expected, description, about, type }: Json): boolean =>
  /pass|secret|key|token|cred|auth|bearer|private|login|api|url|file|path|cert|sign|hmac|salt/i.test(name) ||
  /^a path/.test(String(expected ?? '')) ||
  (type === 'string' && /password|secret|\bkey\b|token/i.test(`${expected ?? ''} ${description ?? ''} ${about ?? ''}`));
