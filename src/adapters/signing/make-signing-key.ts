/** A new key that signs mail, in a file of its own that nobody else may read and that was not there before. */
import { generateKeyPair } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { KeyFacts } from '../../config/signing-key.ts';
import { factsOf } from './read-signing-key.ts';

const generate = promisify(generateKeyPair);

/** `exists`: there is such a file, and it was left as it is. */
export async function makeSigningKey(
  path: string,
  kind: 'rsa' | 'ed25519',
  rsaBits: number,
): Promise<KeyFacts | 'exists'> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (file === undefined) return 'exists';
  try {
    const { privateKey } =
      kind === 'rsa' ? await generate('rsa', { modulusLength: rsaBits }) : await generate('ed25519');
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
    return factsOf(privateKey);
  } finally {
    await file.close();
  }
}
