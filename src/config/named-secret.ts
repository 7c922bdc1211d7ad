/** How an operator names a secret: by a file, or by a variable of the environment; never by itself. */
import type { SecretAt } from './live-source.ts';
import { resolvePath } from './paths.ts';

/** Undefined where none is named; what is no variable is a problem that is told by whoever reads it. */
export function namedSecret(
  written: { readonly password?: string | undefined; readonly password_file?: string | undefined },
  folder: string,
): SecretAt | undefined {
  const { password, password_file: file } = written;
  if (file !== undefined) return { kind: 'file', path: resolvePath(folder, file) };
  return password === undefined ? undefined : { kind: 'env', name: password.replace(/^env:/, '') };
}
