/** What is inside the message, as it was read while it came: files with their names and types, archives, and what is odd. */
import { z } from 'zod';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import { ANOMALY_NAMES } from '../mime/anomaly.ts';
import type { Archive, Inside, Part } from '../mime/inside.ts';
import { defineCheck } from './define.ts';

/** What a record keeps; rules see no more. Mail with more files than these is sent as an archive. */
const ATTACHMENTS_MAX = 50;
/** Names in one archive, and in all together, so that a record stays under 64 KiB whatever comes. */
const ENTRIES_MAX = 50;
const ALL_ENTRIES_MAX = 100;
/** Beyond these the result is `too-much`: rules refuse by them. */
const EXTENSIONS_MAX = 150;
const ALL_EXTENSIONS_MAX = 300;
const NAME_MAX = 255;
const ENTRY_NAME_MAX = 150;
const TYPE_MAX = 100;

const text = z.string();
const ARCHIVE = z.object({
  format: text.meta({ about: "by its octets, '' when it is none", example: 'zip' }),
  encrypted: z.boolean(),
  partial: z.boolean().meta({ about: 'there is more than `extensions` says: damaged, cut, too deep, or no listing' }),
  entries: z.array(text).meta({ about: `names in it, and in archives within; at most ${ENTRIES_MAX} of one` }),
  extensions: z.array(text).meta({ about: 'what follows the last dot of all names in it, lower case, each once' }),
});
const ATTACHMENT = z.object({
  name: text,
  extension: text.meta({ about: 'what follows the last dot, lower case' }),
  type: text.meta({ about: 'as declared' }),
  detected: text.meta({ about: "by its first octets, '' when unknown" }),
  size: z.number().meta({ about: 'octets, decoded' }),
  sha256: text,
  path: text,
  disposition: z.enum(['attachment', 'inline', '']),
  macros: z.boolean().meta({ about: 'a document that carries macros' }),
  archive: ARCHIVE,
});

export const structure = defineCheck({
  name: 'structure',
  about: 'what is inside: parts, files, archives, and what is odd about them (RFC 2045, 2046)',
  stage: 'data',
  scope: 'transaction',
  timeout: seconds(5),
  onError: 'defer',
  needs: [],
  looksInside: true,
  evidence: 'Which part each oddity is in.',
  options: z.strictObject({}),
  facts: z.object({
    result: z.enum(['ok', 'too-many-parts', 'too-deep', 'too-much']).meta({
      about: 'ok, or the bound that was met: what lies beyond it was not read',
      example: 'ok',
      absent: 'ok',
    }),
    count: z.number().meta({ about: 'parts, messages within among them', example: 3 }),
    depth: z.number().meta({ about: 'how deep parts lie in one another', example: 1 }),
    attachments: z.array(ATTACHMENT).meta({ about: `files, at most ${ATTACHMENTS_MAX}`, example: [] }),
    anomalies: z
      .array(z.enum(ANOMALY_NAMES))
      .meta({ about: 'what is odd, each name once ([what they mean](anomalies.md))', example: ['uuencode'] }),
  }),
  async run({ message, evidence }) {
    if (message?.inside === undefined) throw new Error('the inside of the message could not be read');
    const { inside } = message;
    const { parts, anomalies, depth } = inside;
    const where = anomalies.filter(({ part }) => part !== '');
    if (where.length > 0)
      evidence(
        'anomalies',
        where.slice(0, ENTRIES_MAX).map(({ name, part }) => `${name} in ${part}`),
      );
    const files = parts.filter(({ attachment }) => attachment);
    const shown = attachmentsOf(files);
    return {
      result: resultOf(inside, files, shown.cut),
      count: parts.length,
      depth,
      attachments: shown.attachments,
      anomalies: [...new Set(anomalies.map(({ name }) => name))],
    };
  },
});

const resultOf = ({ result }: Inside, files: readonly Part[], cut: boolean): Inside['result'] =>
  result === 'ok' && (files.length > ATTACHMENTS_MAX || cut) ? 'too-much' : result;

function attachmentsOf(files: readonly Part[]) {
  const room = { entries: ALL_ENTRIES_MAX, extensions: ALL_EXTENSIONS_MAX, cut: false };
  const attachments = files
    .slice(0, ATTACHMENTS_MAX)
    .map(({ name, extension, type, detected, size, sha256, path, disposition, macros, archive }) => ({
      name: clean(name, NAME_MAX),
      extension: clean(extension, TYPE_MAX),
      type: clean(type, TYPE_MAX),
      ...{ detected, size, sha256, path, disposition, macros },
      archive: archiveOf(archive, room),
    }));
  return { attachments, cut: room.cut };
}

/** `room`: what all listings together may still take, and whether some ending found none. */
function archiveOf(archive: Archive | null, room: { entries: number; extensions: number; cut: boolean }) {
  if (archive === null) return { format: '', encrypted: false, partial: false, entries: [], extensions: [] };
  const { format, encrypted, entries } = archive;
  const all = [...new Set(archive.extensions.map((one) => clean(one, TYPE_MAX)))];
  const names = entries.slice(0, Math.min(ENTRIES_MAX, room.entries));
  const extensions = all.slice(0, Math.min(EXTENSIONS_MAX, room.extensions));
  room.entries -= names.length;
  room.extensions -= extensions.length;
  room.cut ||= archive.cut || extensions.length < all.length;
  return {
    format,
    encrypted,
    partial: archive.partial || extensions.length < all.length,
    // The end of a name says what it is.
    entries: names.map(({ name }) => clean(name.slice(-ENTRY_NAME_MAX), ENTRY_NAME_MAX)),
    extensions,
  };
}
