/** The header section of a message or part as its readers would understand it, and where they would differ. */
import { parseAddressList } from '../mail/address-list.ts';
import { type HeaderField, parseHeaderSection } from '../mail/header.ts';
import type { AnomalyName } from './anomaly.ts';
import { withoutComments } from './comments.ts';
import { fileNameOf, parameters } from './file-name.ts';
import { endingOfType } from './programs.ts';

export interface EntityHeader {
  /** `text/plain`, lower case. */
  readonly type: string;
  /** All that any reader would take, the first one first. Latin-1, as octets. */
  readonly boundaries: readonly string[];
  readonly charset: string;
  readonly encoding: 'base64' | 'quoted-printable' | 'identity';
  /** Another encoding that some reader would see. */
  readonly otherEncodings: readonly ('base64' | 'quoted-printable')[];
  /** As written, lower case. */
  readonly declaredEncoding: string;
  readonly disposition: 'attachment' | 'inline' | '';
  readonly name: string;
  readonly extension: string;
  /** It may be shown within the text that refers to it. */
  readonly referred: boolean;
  /** Where the first line stands that is no field: some readers begin the body there. */
  readonly strayAt: number | undefined;
}

/** Fields that a message has once (RFC 5322 §3.6). */
const SINGLE = [
  ...['date', 'from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'message-id', 'in-reply-to', 'references', 'subject'],
  'mime-version',
];
/** Readings of one boundary that are followed, and octets of each: RFC 2046 §5.1.1 allows 70. */
const BOUNDARIES_MAX = 8;
const BOUNDARY_MAX = 400;
const IDENTITY: ReadonlySet<string> = new Set(['', '7bit', '8bit', 'binary']);

/** `top`: of a message, not of a part. */
export function readEntityHeader(
  octets: Uint8Array,
  top: boolean,
  fallback: 'text/plain' | 'message/rfc822',
  odd: (name: AnomalyName) => void,
): EntityHeader {
  const section = parseHeaderSection(octets);
  oddOctets(octets, odd);
  if (section.strays.length > 0) odd('stray-header-line');
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  if (/^[^:\s]+[ \t]+:/m.test(text)) odd('space-before-colon');
  if (/\n[ \t]+\r?\n/.test(text)) odd('blank-continuation');
  const byName = Map.groupBy(section.fields, ({ name }) => name.toLowerCase());
  const named = (name: string): readonly HeaderField[] => byName.get(name) ?? [];
  if (top) {
    if (SINGLE.some((name) => named(name).length > 1)) odd('duplicate-header');
    const authors = parseAddressList(
      named('from')
        .map(({ value }) => value)
        .join(', '),
    );
    if (authors.addresses.length + authors.unread > 1) odd('several-authors');
  }
  // A reader that takes strays for fields, or another field of the name, sees these too.
  const strayTypes = section.strays
    .map(({ value }) => /content-type\s*:([\s\S]*)/i.exec(value)?.[1] ?? '')
    .filter((value) => value !== '');
  const types = [...named('content-type').map(({ value }) => value), ...strayTypes];
  if (types.length > 1) odd('duplicate-content-type');
  const encodings = named('content-transfer-encoding').map(({ value }) => value);
  if (encodings.length > 1) odd('duplicate-encoding');
  const dispositions = named('content-disposition').map(({ value }) => value);
  if (dispositions.length > 1) odd('duplicate-disposition');
  if (types.length === 0 && dispositions.length > 0) odd('disposition-without-type');

  const read = types.map(typeOf);
  if (read.some(({ sound }) => !sound)) odd('broken-content-type');
  // Where readers differ, the one that opens more is followed.
  const first = read.find(({ type }) => type.startsWith('multipart/')) ?? read[0] ?? { type: fallback, sound: true };
  const type = first.type === '' ? 'text/plain' : first.type;
  const boundaries = type.startsWith('multipart/') ? boundariesOf(types, odd) : [];
  const { encoding, others } = encodingOf(encodings, odd);
  if (top && named('mime-version').length === 0 && (type.startsWith('multipart/') || encoding !== 'identity'))
    odd('no-mime-version');
  const file = fileNameOf(dispositions.join('; '), types.join('; '));
  for (const flaw of file.flaws) odd(flaw);
  const disposition = /^\s*([a-z-]*)/i.exec(dispositions[0] ?? '')?.[1]?.toLowerCase() ?? '';
  return {
    type,
    boundaries,
    charset:
      types
        .flatMap((value) => parameters(value))
        .find(({ name }) => name === 'charset')
        ?.value.toLowerCase() ?? '',
    encoding,
    otherEncodings: others,
    declaredEncoding: (encodings[0] ?? '7bit').trim().toLowerCase().slice(0, 40),
    disposition: disposition === '' ? '' : disposition === 'inline' ? 'inline' : 'attachment',
    name: file.name,
    extension: file.extension === '' ? endingOfType(type) : file.extension,
    referred: named('content-id').length > 0,
    strayAt: section.strays[0]?.start,
  };
}

function oddOctets(octets: Uint8Array, odd: (name: AnomalyName) => void): void {
  let high = false;
  let control = false;
  for (const octet of octets) {
    if (octet > 126) high = true;
    else if (octet < 32 && octet !== 9 && octet !== 10 && octet !== 13) control = true;
  }
  if (high) odd('8bit-header');
  if (control) odd('control-in-header');
}

function typeOf(value: string): { readonly type: string; readonly sound: boolean } {
  const bare = withoutComments(value);
  const match = /^\s*"?([a-z0-9!#$&^_.+-]{1,100})\s*\/\s*([a-z0-9!#$&^_.+-]{1,100})"?\s*(.?)/i.exec(bare);
  if (match !== null)
    return { type: `${match[1]}/${match[2]}`.toLowerCase(), sound: match[3] === '' || match[3] === ';' };
  const word = /^\s*([a-z]{1,20})\b/i.exec(bare)?.[1]?.toLowerCase() ?? '';
  // `text` alone is text/plain to most readers; whoever names a boundary means a multipart.
  if (/boundary/i.test(bare)) return { type: 'multipart/mixed', sound: false };
  return { type: word === 'text' || word === '' ? 'text/plain' : 'application/octet-stream', sound: false };
}

function boundariesOf(types: readonly string[], odd: (name: AnomalyName) => void): readonly string[] {
  const found = new Set<string>();
  for (const value of types)
    for (const { name, value: boundary, readings } of parameters(value))
      if (name === 'boundary') for (const one of [boundary, ...(readings ?? [])]) found.add(one.trimEnd());
  found.delete('');
  if (found.size > 1) odd('contradictory-boundaries');
  if (found.size === 0) odd('missing-boundary');
  const fitting = [...found].map((one) => Buffer.from(one, 'utf8').toString('latin1'));
  if (fitting.some((one) => one.length > 70)) odd('long-boundary');
  const followed = fitting.filter((one) => one.length <= BOUNDARY_MAX).slice(0, BOUNDARIES_MAX);
  // Whoever follows one that we do not sees other parts.
  if (followed.length < fitting.length) odd('contradictory-boundaries');
  return followed;
}

function encodingOf(values: readonly string[], odd: (name: AnomalyName) => void) {
  const read = values.map((value) => {
    const plain = value.trim().toLowerCase();
    if (IDENTITY.has(plain)) return 'identity' as const;
    if (plain === 'base64' || plain === 'quoted-printable') return plain;
    if (/base-?64|^b$/.test(plain)) {
      odd(/^"?base64"?\s*[;(\s]?/.test(plain) ? 'loose-encoding' : 'unknown-encoding');
      return 'base64' as const;
    }
    if (plain.includes('quoted')) {
      odd('loose-encoding');
      return 'quoted-printable' as const;
    }
    if (/^(?:7-?bit|8-?bit|binary)\b/.test(plain)) {
      odd('loose-encoding');
      return 'identity' as const;
    }
    odd('unknown-encoding');
    return 'unknown' as const;
  });
  const [first = 'identity'] = read;
  const encoding = first === 'unknown' ? ('identity' as const) : first;
  const other = new Set(read.filter((one) => one === 'base64' || one === 'quoted-printable'));
  if (read.includes('unknown')) {
    other.add('base64');
    other.add('quoted-printable');
  }
  other.delete(encoding as never);
  return { encoding, others: [...other] };
}
