/** Fields that sign (RFC 6376, RFC 8617): relaxed header canonicalization, what is signed, and how such a field is written. */

/** Text whose characters are octets. The field without its final CRLF (RFC 6376 §3.4.2). */
export function relaxField(field: string): string {
  const colon = field.indexOf(':');
  const name = field.slice(0, colon).toLowerCase().trimEnd();
  const value = field
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ');
  return `${name}:${value.replace(/^ | $/g, '')}`;
}

export interface NamedField {
  /** In lower case. */
  readonly name: string;
}

/**
 * Signed once more than they are there, so that none can be added above (RFC 6376 §8.15): what a person reads, and what says
 * how it is to be read.
 */
const SEALED = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'reply-to',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
];
/** Signed as often as they are there: whoever passes the message on may add his own (RFC 6376 §5.4.1). */
const KEPT = ['sender', 'in-reply-to', 'references'];
const isKept = (name: string): boolean => KEPT.includes(name) || name.startsWith('list-');

/** The names for `h=`, each as often as it is to be signed. */
export function namesToSign(fields: readonly NamedField[], also: readonly string[] = []): readonly string[] {
  const names = [...new Set(fields.map(({ name }) => name))];
  const content = names.filter((name) => name.startsWith('content-') && !SEALED.includes(name));
  const times = (name: string): number => fields.filter((field) => field.name === name).length;
  return [
    ...[...SEALED, ...content].flatMap((name) => Array<string>(times(name) + 1).fill(name)),
    ...names
      .filter((name) => isKept(name) || also.includes(name))
      .flatMap((name) => Array<string>(times(name)).fill(name)),
  ];
}

/** The fields that these names choose, from the lowest up, each ended (RFC 6376 §5.4.2). */
export function chosenFields(
  fields: readonly (NamedField & { readonly raw: string })[],
  names: readonly string[],
): string {
  const left = new Map<string, string[]>();
  for (const { name, raw } of fields) left.set(name, [...(left.get(name) ?? []), raw]);
  return names
    .map((name) => left.get(name)?.pop())
    .map((raw) => (raw === undefined ? '' : `${relaxField(raw)}\r\n`))
    .join('');
}

export type Tags = readonly (readonly [tag: string, value: string])[];

/** The field as it is signed: folded, its `b=` empty and last. */
export function unsignedField(name: string, tags: Tags): string {
  let folded = '';
  let line = `${name}:`;
  // Names may be parted at their colons (RFC 6376 §3.5 `h=`), nothing else.
  for (const [tag, value] of tags)
    `${tag}=${value};`.split(/(?<=:)/).forEach((piece, n) => {
      const space = n === 0 ? ' ' : '';
      if (line.length + space.length + piece.length > FOLD_AT) {
        folded += `${line}\r\n`;
        line = '\t';
        line += piece;
      } else line += space + piece;
    });
  return `${folded}${line}\r\n\tb=`;
}

/** The same with its signature in base64, ended. */
export function signedField(unsigned: string, signature: string): string {
  return `${unsigned}${(signature.match(/.{1,70}/g) ?? []).join('\r\n\t ')}\r\n`;
}

const FOLD_AT = 78; // RFC 5322 §2.1.1
