/** A secret as an operator names it: in a file that nobody else may read, or in the environment. */
import type { SecretAt } from '../../config/live-source.ts';
import { readSecret, type SecretText } from './secret-file.ts';

/** Its text without the end of its line, never empty: an empty one would be no proof (RFC 4513 §5.1.2). */
export function readSecretAt(at: SecretAt, readFile: (path: string) => SecretText = readSecret): SecretText {
  if (at.kind === 'env') {
    const text = process.env[at.name] ?? '';
    if (text !== '') return { kind: 'text', text };
    const why = `there is no ${at.name} in the environment`;
    return { kind: 'wrong', why, remedy: 'set it for the service, or write `password_file:`' };
  }
  const read = readFile(at.path);
  // Where no such file is, its path may be the secret itself.
  if (read.kind === 'wrong') return read.absent === true ? read : { ...read, why: `${at.path}: ${read.why}` };
  const text = read.text.replace(/\r?\n$/, '');
  if (text.trim() !== '') return { kind: 'text', text };
  return { kind: 'wrong', why: `${at.path} is empty`, remedy: 'write the password into it, alone' };
}
