/** All scans of one message, and the worst of what they found. */
import { clean } from '../mail/reply.ts';
import type { Inside, Part, Region } from '../mime/inside.ts';
import { writtenFile } from '../mime/written-files.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { VirusScanner, VirusVerdict } from '../ports/services.ts';
import { Cursor, decoded } from './part-octets.ts';

export interface VirusFound {
  readonly result: VirusVerdict['kind'];
  readonly signature: string;
  readonly part: string;
  /** How many were scanned. */
  readonly files: number;
}

/** What a scan needs of a message, on its way in or about to leave. */
export interface Scanned {
  readonly content: Pick<SpooledContent, 'sha256' | 'open'>;
  readonly inside?: Inside | undefined;
}

interface Scan {
  readonly part: string;
  readonly verdict: VirusVerdict;
}

/** Beyond these a message is `too-large`: each costs clamd a connection, and mail with more attachments is sent as an archive. */
const PARTS_MAX = 200;
const SIGNATURE_MAX = 200;
/** From good to bad. */
const GRAVITY: readonly VirusVerdict['kind'][] = ['clean', 'too-large', 'encrypted', 'infected'];

/** Rejects where a scan came to no verdict, unless another found a virus: that is bad enough, whatever else there is. */
export async function scanMessage(
  message: Scanned,
  scanner: VirusScanner,
  parts: boolean,
  signal: AbortSignal,
): Promise<VirusFound> {
  const { content } = message;
  const ended = await Promise.allSettled([
    scanner
      .scan({ message: content.sha256, octets: content.open(signal) }, signal)
      .then((verdict): Scan[] => [{ part: '', verdict }]),
    ...(parts && message.inside !== undefined ? [scanParts(message, message.inside, scanner, signal)] : []),
  ]);
  const found = worst(ended.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined && found.result !== 'infected') throw failed.reason;
  return found;
}

/** One after the other, in one reading of the message. */
async function scanParts(
  { content }: Scanned,
  inside: Inside,
  scanner: VirusScanner,
  signal: AbortSignal,
): Promise<readonly Scan[]> {
  const leaves = filesOf(inside);
  const scans: Scan[] = [];
  const unread = leaves.length > PARTS_MAX || inside.result !== 'ok';
  if (unread) scans.push({ part: '', verdict: { kind: 'too-large' } });
  let cursor: Cursor | undefined;
  try {
    for (const { part, start, end, read } of leaves.slice(0, PARTS_MAX)) {
      if (cursor === undefined || cursor.at > start) {
        await cursor?.close();
        cursor = new Cursor(content.open(signal));
      }
      const octets = read(cursor.slice(start, end));
      const verdict = await scanner.scan({ message: content.sha256, octets }, signal);
      scans.push({ part, verdict });
      if (verdict.kind === 'infected') break; // worse does not come
    }
  } finally {
    await cursor?.close();
  }
  return scans;
}

/** What clamd is shown beside the message as it came. */
interface File {
  readonly part: string;
  readonly start: number;
  readonly end: number;
  readonly read: (octets: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/** In the order they stand. A message within a message is scanned by its parts; a letter that is one plain text was scanned as it came. */
function filesOf({ parts, anomalies, regions }: Inside): readonly File[] {
  const [only] = parts;
  if (parts.length === 1 && only?.type === 'text/plain' && anomalies.length === 0 && regions.length === 0) return [];
  const holding = new Set(parts.map(({ path }) => path.replace(/\.?[^.]*$/, '')));
  return [...parts.filter(({ path }) => !holding.has(path)).map(fileOf), ...regions.map(hiddenIn)].sort(
    (a, b) => a.start - b.start,
  );
}

const fileOf = (part: Part): File => ({
  part: part.path,
  start: part.bodyStart,
  end: part.end,
  read: (octets) => decoded(part, octets),
});

const hiddenIn = ({ part, reading, start, end }: Region): File => ({
  ...{ part, start, end },
  read: (octets) =>
    reading === 'uuencode' || reading === 'yenc' ? writtenFile(reading, octets) : decoded({ reading }, octets),
});

function worst(scans: readonly Scan[]): VirusFound {
  let found: Scan = { part: '', verdict: { kind: 'clean' } };
  for (const scan of scans) if (GRAVITY.indexOf(scan.verdict.kind) > GRAVITY.indexOf(found.verdict.kind)) found = scan;
  const { verdict, part } = found;
  const signature = verdict.kind === 'infected' ? clean(verdict.signature, SIGNATURE_MAX) : '';
  return { result: verdict.kind, signature, part, files: scans.length };
}
