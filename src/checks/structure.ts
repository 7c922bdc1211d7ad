/** What is inside the message, as it was read while it came: files with their names and types, archives, and what is odd. */
import { z } from 'zod';
import { clean } from '../mail/reply.ts';
import { seconds } from '../mail/time.ts';
import { ANOMALY_NAMES } from '../mime/anomaly.ts';
import { extensionOf } from '../mime/file-name.ts';
import type { Archive, Inside, Part } from '../mime/inside.ts';
import { defineCheck } from './define.ts';

/** What a record keeps; rules see no more. Mail with more files than these is sent as an archive. */
const ATTACHMENTS_MAX = 50;
const ENTRIES_MAX = 50;
const NAME_MAX = 255;
const TYPE_MAX = 100;

const text = z.string();
const ARCHIVE = z.object({
  format: text.meta({ about: "by its octets, '' when it is none", example: 'zip' }),
  encrypted: z.boolean(),
  partial: z.boolean().meta({ about: 'there is more than its listing says' }),
  entries: z.array(text).meta({ about: 'names in it, those of archives within too' }),
  extensions: z.array(text).meta({ about: 'what follows the last dot of each name, lower case' }),
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
    anomalies: z.array(z.enum(ANOMALY_NAMES)).meta({ about: 'what is odd, each name once', example: ['uuencode'] }),
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
    return {
      result: resultOf(inside, files),
      count: parts.length,
      depth,
      attachments: files.slice(0, ATTACHMENTS_MAX).map(attachmentOf),
      anomalies: [...new Set(anomalies.map(({ name }) => name))],
    };
  },
});

const resultOf = ({ result }: Inside, files: readonly Part[]): Inside['result'] =>
  result === 'ok' && files.length > ATTACHMENTS_MAX ? 'too-much' : result;

function attachmentOf({ name, extension, type, detected, size, sha256, path, disposition, macros, archive }: Part) {
  return {
    name: clean(name, NAME_MAX),
    extension: clean(extension, TYPE_MAX),
    type: clean(type, TYPE_MAX),
    ...{ detected, size, sha256, path, disposition, macros },
    archive: archiveOf(archive),
  };
}

function archiveOf(archive: Archive | null) {
  if (archive === null) return { format: '', encrypted: false, partial: false, entries: [], extensions: [] };
  const { format, encrypted, partial, entries } = archive;
  return {
    format,
    encrypted,
    partial,
    entries: entries.slice(0, ENTRIES_MAX).map(({ name }) => clean(name, NAME_MAX)),
    // Of all of them: these are what rules refuse by.
    extensions: [...new Set(entries.map(({ name }) => clean(extensionOf(name), TYPE_MAX)))]
      .filter((one) => one !== '')
      .slice(0, ENTRIES_MAX),
  };
}
