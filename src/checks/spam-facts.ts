/** What the spam scanners state alike, and how one of them is asked. */
import { z } from 'zod';
import type { ServiceName } from '../policy/services.ts';
import { ServiceError, type SpamScanner, type SpamVerdict } from '../ports/services.ts';
import type { CheckContext } from './define.ts';
import { scannedEnvelope } from './scanned-envelope.ts';

export const RESULT = z.enum(['scanned', 'too-large']).meta({
  about: 'too-large: longer than `max_size`, and not scanned: score 0, no symbols',
  example: 'scanned',
});

export const SCORE = z.number().meta({ about: 'the sum of its symbols; may be below 0', example: 6.2 });
export const REQUIRED = z.number().meta({ about: 'from which score the scanner itself calls it spam', example: 5 });

export const symbols = (example: { readonly name: string; readonly score: number; readonly about: string }) =>
  z.array(z.object({ name: z.string(), score: z.number(), about: z.string() })).meta({
    about:
      "what it found, each with its score; `about` says what it means where the score is not 0. Ask `NAME.symbols.exists(s, s.name == 'X')`; at most 100",
    example: [example],
  });

interface Asked {
  readonly service: Exclude<ServiceName, 'clamav'>;
  readonly scanner: SpamScanner | undefined;
  readonly maxSize: number;
  readonly user: string;
}

/** Undefined: longer than it may be. Rejects where there is no verdict. */
export async function askScanner(
  { service, scanner, maxSize, user }: Asked,
  context: Pick<CheckContext<unknown>, 'facts' | 'helo' | 'envelope' | 'hostname' | 'now' | 'message' | 'signal'>,
): Promise<SpamVerdict | undefined> {
  const { message, signal } = context;
  if (message === undefined) throw new RangeError(`Cannot ask ${service} as there must be a message`);
  const { content } = message;
  if (content.size > maxSize) return undefined;
  if (scanner === undefined)
    throw new ServiceError('unreachable', `no ${service} is configured: add it under \`services:\``);
  const { size, sha256 } = content;
  return scanner.scan({ size, sha256, octets: content.open(signal) }, scannedEnvelope(context), user, signal);
}
