/** All scans of one message, and the worst of what they found. */
import { clean } from '../mail/reply.ts';
import type { VirusScanner, VirusVerdict } from '../ports/services.ts';
import type { MessageView } from './define.ts';

export interface VirusFound {
  readonly result: VirusVerdict['kind'];
  readonly signature: string;
  readonly part: string;
  /** How many were scanned. */
  readonly files: number;
}

const SIGNATURE_MAX = 200;
/** From bad to worse. */
const GRAVITY: readonly VirusVerdict['kind'][] = ['clean', 'too-large', 'encrypted', 'infected'];

/** Rejects where any scan came to no verdict and none found a virus. */
export async function scanMessage(
  { content }: MessageView,
  scanner: VirusScanner,
  _parts: boolean,
  signal: AbortSignal,
): Promise<VirusFound> {
  const verdict = await scanner.scan({ message: content.sha256, octets: content.open(signal) }, signal);
  return worst([{ part: '', verdict }]);
}

function worst(scans: readonly { readonly part: string; readonly verdict: VirusVerdict }[]): VirusFound {
  let found: (typeof scans)[number] = { part: '', verdict: { kind: 'clean' } };
  for (const scan of scans) if (GRAVITY.indexOf(scan.verdict.kind) > GRAVITY.indexOf(found.verdict.kind)) found = scan;
  const { verdict, part } = found;
  const signature = verdict.kind === 'infected' ? clean(verdict.signature, SIGNATURE_MAX) : '';
  return { result: verdict.kind, signature, part, files: scans.length };
}
