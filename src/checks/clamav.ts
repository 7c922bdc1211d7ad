/** Viruses, asked of clamd: the message as it came, and each of its parts decoded, so that what hides from one reader is seen by the other. */
import { z } from 'zod';
import { minutes } from '../mail/time.ts';
import { ServiceError } from '../ports/services.ts';
import { defineCheck } from './define.ts';
import { scanMessage } from './virus-scan.ts';

export const clamav = defineCheck({
  name: 'clamav',
  about: 'Whether ClamAV knows something in the message by a signature.',
  stage: 'content',
  scope: 'transaction',
  // clamd itself gives one file two minutes (MaxScanTime); most take milliseconds.
  timeout: minutes(2),
  onError: 'defer',
  needs: [],
  looksInside: true,
  service: 'clamav',
  evidence: 'How many files were scanned: the message, and its parts.',
  options: z.strictObject({
    parts: z
      .boolean()
      .default(true)
      .meta({ about: 'false: the message is scanned as it came, and what is inside only as clamd itself reads it' }),
  }),
  facts: z.object({
    result: z.enum(['clean', 'infected', 'too-large', 'encrypted']).meta({
      about:
        'the worst that was found, infected before encrypted before too-large. encrypted: clamd alerts on what it cannot read; too-large: not all was ' +
        'looked at, by a limit of clamd, of `services.clamav.max_size` or of the parts scanned',
      example: 'clean',
    }),
    signature: z.string().meta({ about: "the signature that matched, or ''", example: 'Win.Test.EICAR_HDB-1' }),
    version: z.string().meta({
      about: "of engine and signatures, '' where clamd did not tell",
      example: 'ClamAV 1.4.3/27800/Wed Nov 25 10:00:00 2026',
    }),
    part: z.string().meta({ about: "the part it was found in, '' for the message as it came", example: '2.1' }),
  }),
  async run({ options, message, services, evidence, signal }) {
    if (message === undefined) throw new RangeError('Cannot scan as there must be a message');
    const scanner = services.clamav;
    if (scanner === undefined)
      throw new ServiceError('unreachable', 'no clamav is configured: add it under `services:`');
    // That it tells no version is no reason to have no verdict: the record says why it is not there.
    const version = scanner.version(signal).catch((error: unknown) => {
      evidence('version', error instanceof Error ? error.message : String(error));
      return '';
    });
    const found = await scanMessage(message, scanner, options.parts, signal);
    evidence('files', found.files);
    return { result: found.result, signature: found.signature, version: await version, part: found.part };
  },
});
