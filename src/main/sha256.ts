/** SHA-256 as hex: of bundles, and of subjects that are not to be kept. */
import { createHash } from 'node:crypto';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
