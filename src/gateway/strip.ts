/** Which parts of a message go, and the edits that put a note in the place of each. */
import type { AnomalyName } from '../mime/anomaly.ts';
import { extensionOf } from '../mime/file-name.ts';
import type { Inside, Part } from '../mime/inside.ts';
import { isMessage, MESSAGES } from '../mime/messages.ts';
import type { Modification, Strip } from '../policy/disposition.ts';
import type { Edit } from '../queue/entry.ts';
import type { RemovedPart } from '../record/record.ts';
import type { HeaderFacts } from './edge.ts';
import { NOTE_FIELDS, type NoteWords, noteText, shown } from './strip-note.ts';

/** Notes in one message; each lies in every recipient's entry. Nobody attaches so much to be read. */
const REMOVED_MAX = 100;

/** Beside places that are known: files in a text that is encoded, and parts that only some readers see. */
const UNSURE: ReadonlySet<AnomalyName> = new Set([
  ...(['uuencode', 'yenc', 'binhex', 'base64-in-text'] as const),
  ...([
    'contradictory-boundaries',
    'near-boundary',
    'reused-boundary',
    'endless-header',
    'blank-continuation',
  ] as const),
]);

export type Stripped =
  | {
      readonly kind: 'stripped';
      readonly edits: readonly Edit[];
      readonly removed: readonly RemovedPart[];
      /** Some rule wants the message kept as it came. */
      readonly keep: boolean;
    }
  /** Not all that is inside is known: nobody may say that it was removed. */
  | { readonly kind: 'cannot'; readonly why: string; readonly by: string };

/** The message as it came, as far as it matters here. */
export interface Whole {
  readonly inside: Inside | undefined;
  readonly size: number;
  readonly fields: HeaderFacts['fields'];
  readonly strays: HeaderFacts['strays'];
}

export const stripsOf = (modifications: readonly Modification[]): readonly Strip[] =>
  modifications.filter((one) => one.kind === 'stripAttachments');

/** `inList` says whether a list of the policy, by its name, has an extension. */
export function strip(
  strips: readonly Strip[],
  whole: Whole,
  words: NoteWords,
  inList: (list: string, extension: string) => boolean,
): Stripped {
  const cannot = (why: string): Stripped => ({ kind: 'cannot', why, by: strips[0]?.by ?? '' });
  const { inside } = whole;
  if (inside === undefined) return cannot('what is inside the message is not known');
  if (inside.result !== 'ok') return cannot(`not all that is inside the message was read (${inside.result})`);
  // Octets that only some readers take for a file: in no part's place, so that nothing can be put there.
  const hidden = inside.regions.find(({ reading }) => reading !== 'identity');
  if (hidden !== undefined) return cannot(`part ${hidden.part || '1'} may hold a file that is none of its parts`);
  const unsure = inside.anomalies.find(({ name }) => UNSURE.has(name));
  if (unsure !== undefined)
    return cannot(`readers differ about what is in it, or in part ${unsure.part || '1'} (${unsure.name})`);
  const going = new Map<Part, Strip>();
  for (const part of inside.parts) {
    const by = strips.find((one) => wants(one, part, inList));
    if (by !== undefined) going.set(carrier(part, inside.parts), by);
  }
  const chosen = [...going].filter(([part]) => !inside.parts.some((one) => going.has(one) && isWithin(part, one)));
  if (chosen.length > REMOVED_MAX) return cannot(`more than ${REMOVED_MAX} attachments would have to be removed`);
  return {
    kind: 'stripped',
    edits: chosen.flatMap(([part, by]) => replace(part, noteText(part, by, words), whole)),
    removed: chosen.map(([part, { by }]) => removedPart(part, by)),
    keep: chosen.some(([, { keep }]) => keep),
  };
}

function wants({ which }: Strip, part: Part, inList: (list: string, extension: string) => boolean): boolean {
  switch (which.kind) {
    case 'all':
      return part.attachment && !MESSAGES.has(part.type);
    case 'extensions':
      return hasExtension(part, (extension) => which.extensions.includes(extension));
    case 'list':
      return hasExtension(part, (extension) => inList(which.list, extension));
  }
}

/** An archive whose listing says less than there is may hold anything. */
const hasExtension = ({ extension, archive }: Part, fits: (extension: string) => boolean): boolean =>
  (extension !== '' && fits(extension)) ||
  (archive !== null &&
    (archive.partial ||
      archive.entries.some(({ name }) => endings(name).some((ending) => ending !== '' && fits(ending)))));

/** What it ends in, and what Windows reads, to which a `:` begins a stream of the file. */
const endings = (name: string): readonly string[] => [name, name.replace(/:[^/\\]*$/, '')].map(extensionOf);

/**
 * The message within which it lies encoded (which RFC 2046 §5.2.1 forbids), the outermost: what is in it has no octets of its
 * own in the content, and cannot be taken out by itself. Only such a message has a digest, and the outermost ends last.
 */
const carrier = (part: Part, parts: readonly Part[]): Part =>
  parts
    .filter((one) => isMessage(one) && one.sha256 !== '' && one.start <= part.start && part.start < one.end)
    .sort((a, b) => b.end - a.end)[0] ?? part;

const isWithin = (part: Part, other: Part): boolean => part.path.startsWith(`${other.path}.`) && isMessage(other);

function replace(part: Part, note: string, { size, fields, strays }: Whole): readonly Edit[] {
  const last = part.end >= size ? '\r\n' : ''; // before a delimiter the CRLF is the delimiter's (RFC 2046 §5.1.1)
  const text = note.replace(/\r\n$/, '') + last;
  if (part.start > 0) {
    return [
      { kind: 'replaceOctets', start: part.start, end: part.end, text: `${NOTE_FIELDS.join('\r\n')}\r\n\r\n${text}` },
    ];
  }
  // The message itself is the attachment: its header section stays, and says what its body is now.
  return [
    ...fields.flatMap(({ name }, index): readonly Edit[] =>
      name.startsWith('content-') ? [{ kind: 'removeField', index }] : [],
    ),
    // Some readers take these for fields.
    ...strays.flatMap(({ value }, index): readonly Edit[] =>
      /content-/i.test(value) ? [{ kind: 'removeStray', index }] : [],
    ),
    ...NOTE_FIELDS.toReversed().map((field): Edit => ({ kind: 'addField', field })),
    ...(fields.some(({ name }) => name === 'mime-version')
      ? []
      : [{ kind: 'addField', field: 'MIME-Version: 1.0' } as const]),
    { kind: 'replaceOctets', start: part.bodyStart, end: part.end, text },
  ];
}

const removedPart = ({ path, name, type, size, sha256 }: Part, by: string): RemovedPart => ({
  part: path,
  name: shown(name),
  type: shown(type),
  size,
  sha256,
  by,
});
