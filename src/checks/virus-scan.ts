/** All scans of one message, and the worst of what they found. */
import { clean } from '../mail/reply.ts';
import type { AnomalyName } from '../mime/anomaly.ts';
import { BOUNDS } from '../mime/bounds.ts';
import type { Inside, Part, Region } from '../mime/inside.ts';
import { carriesMessage } from '../mime/messages.ts';
import { Notes } from '../mime/notes.ts';
import { Walk } from '../mime/walk.ts';
import { writtenFile } from '../mime/written-files.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { VirusScanner, VirusVerdict } from '../ports/services.ts';
import { Cursor, cut, decoded } from './part-octets.ts';

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

/** A message, or one that a part of another carries encoded: what its structure says lies in what it opens. */
interface Source {
  readonly inside: Inside;
  readonly open: () => AsyncIterable<Uint8Array>;
  /** In how many messages or texts it is carried. */
  readonly depth: number;
}

async function scanParts(
  { content }: Scanned,
  inside: Inside,
  scanner: VirusScanner,
  signal: AbortSignal,
): Promise<readonly Scan[]> {
  const scans: Scan[] = [];
  const scan = async (octets: AsyncIterable<Uint8Array>) => scanner.scan({ message: content.sha256, octets }, signal);
  await scanSource({ inside, open: () => content.open(signal), depth: 0 }, scan, scans);
  return scans;
}

/** One after the other, in one reading of the source; then what lies in those that are messages. */
async function scanSource(
  { inside, open, depth }: Source,
  scan: (octets: AsyncIterable<Uint8Array>) => Promise<VirusVerdict>,
  scans: Scan[],
): Promise<void> {
  const files = filesOf(inside);
  const room = Math.max(0, PARTS_MAX - scans.length);
  if (files.length > room || inside.result !== 'ok') scans.push({ part: '', verdict: { kind: 'too-large' } });
  const taken = files.slice(0, room);
  let cursor: Cursor | undefined;
  try {
    for (const { part, start, end, read } of taken) {
      if (cursor === undefined || cursor.at > start) {
        await cursor?.close();
        cursor = new Cursor(open());
      }
      const verdict = await scan(read(cursor.slice(start, end)));
      scans.push({ part, verdict });
      if (verdict.kind === 'infected') return; // worse does not come
    }
  } finally {
    await cursor?.close();
  }
  for (const { part, start, end, read, carries } of taken) {
    if (carries === 'nothing') continue;
    if (depth >= BOUNDS.carried) {
      scans.push({ part, verdict: { kind: 'too-large' } });
      return;
    }
    const within = (): AsyncIterable<Uint8Array> => carried(carries, read(cut(open(), start, end)));
    const walk = new Walk(new Notes(), { prefix: part });
    for await (const octets of within()) walk.write(octets);
    const before = scans.length;
    await scanSource({ inside: walk.end(), open: within, depth: depth + 1 }, scan, scans);
    // What is written into a text is no part of its own.
    if (carries === 'text') scans.push(...scans.splice(before).map(({ verdict }) => ({ part, verdict })));
    if (scans.at(-1)?.verdict.kind === 'infected') return;
  }
}

/** What clamd is shown beside the message as it came. */
interface File {
  readonly part: string;
  readonly start: number;
  readonly end: number;
  readonly read: (octets: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
  /** What lies in its decoded octets alone: those of a message, or files written into a text. */
  readonly carries: 'message' | 'text' | 'nothing';
}

/** A text is a message without a header section. */
async function* carried(kind: File['carries'], octets: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (kind === 'text') yield Buffer.from('\r\n');
  yield* octets;
}

/** In the order they stand. A message within a message is scanned by its parts; a letter that is one plain text was scanned as it came. */
function filesOf({ parts, anomalies, regions }: Inside): readonly File[] {
  const [only] = parts;
  const plain = only?.type === 'text/plain' && only.reading === 'identity';
  if (parts.length === 1 && plain && anomalies.length === 0 && regions.length === 0) return [];
  const written = anomalies.some(({ name }) => WRITTEN.has(name));
  const carriers = parts.filter(carriesMessage).map(({ path }) => `${path}.`);
  const stands = (path: string): boolean => !carriers.some((carrier) => path.startsWith(carrier));
  const own = parts.filter(({ path }) => stands(path));
  const holding = new Set(own.map(({ path }) => path.replace(/\.?[^.]*$/, '')));
  const hidden = regions.filter(({ part }) => stands(part));
  return [
    ...own.filter(({ path }) => !holding.has(path)).map((part) => fileOf(part, written)),
    ...hidden.map(hiddenIn),
  ].sort((a, b) => a.start - b.start);
}

/** Files in a text that is encoded have no places in the content. */
const WRITTEN: ReadonlySet<AnomalyName> = new Set(['uuencode', 'yenc', 'binhex', 'base64-in-text']);

const fileOf = (part: Part, written: boolean): File => ({
  part: part.path,
  start: part.bodyStart,
  end: part.end,
  read: (octets) => decoded(part, octets),
  carries: carriesMessage(part)
    ? 'message'
    : written && part.type.startsWith('text/') && part.reading !== 'identity'
      ? 'text'
      : 'nothing',
});

const hiddenIn = ({ part, reading, start, end }: Region): File => ({
  ...{ part, start, end, carries: 'nothing' },
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
