/** What a line of clamd says of a file. Only what is known to be a verdict is one. */
import { ServiceError, type VirusVerdict } from '../../ports/services.ts';

/** With `AlertEncrypted yes`; names of signatures it makes itself (clamd.conf(5)). */
const ENCRYPTED = 'Heuristics.Encrypted.';
/** With `AlertExceedsMax yes`: something in the file was beyond a limit, and was not looked at. */
const EXCEEDED = 'Heuristics.Limits.Exceeded';

export function verdictOf(text: string): VirusVerdict {
  if (text === 'stream: OK') return { kind: 'clean' };
  const signature = /^stream: (\S.*) FOUND$/.exec(text)?.[1];
  if (signature !== undefined) {
    if (signature.startsWith(ENCRYPTED)) return { kind: 'encrypted' };
    return signature.startsWith(EXCEEDED) ? { kind: 'too-large' } : { kind: 'infected', signature };
  }
  if (/^INSTREAM size limit exceeded\. ERROR$/.test(text)) return { kind: 'too-large' };
  if (/ERROR$/.test(text)) throw new ServiceError('refused', text);
  throw new ServiceError('garbage', `"${text}" is no verdict`);
}
