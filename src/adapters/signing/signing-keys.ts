/** The keys in use: read when they are first asked for, looked at again when their files change, the last sound one kept. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { type KeyFault, keyFault } from '../../config/signing-key.ts';
import type { Log } from '../../ports/log.ts';
import type { SigningKey, SigningKeys } from '../../ports/signing-keys.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import { WatchSet } from '../files/watch-set.ts';
import { algorithmOf, readSigningKey } from './read-signing-key.ts';

const signOff = promisify(sign);

interface InUse {
  readonly key: SigningKey;
  /** Tells one key from the next. */
  readonly published: string;
  /** Why what lies there now was not taken; '' where it is this one. */
  readonly refused: string;
}

/** Each thread has its own; only one should be given a log that is read. */
export class KeyRing implements SigningKeys {
  readonly #log: Log;
  readonly #inUse = new Map<string, InUse>();
  readonly #watching: WatchSet;

  constructor(files: WatchedFiles, log: Log) {
    this.#log = log;
    this.#watching = new WatchSet(files, (path) => this.#look(path));
  }

  keyOf(file: string): SigningKey {
    const known = this.#inUse.get(file);
    if (known !== undefined) return known.key;
    const read = readKey(file);
    if (read.kind === 'refused')
      throw new Error(`Cannot sign with ${file} as it must hold a sound key: ${read.why} (${read.remedy})`);
    this.#inUse.set(file, { ...read, refused: '' });
    this.#watching.want(new Set(this.#inUse.keys()));
    return read.key;
  }

  /** Of a configuration that came in force: looks at all of these again, and forgets all others. */
  keep(files: ReadonlySet<string>): void {
    for (const file of this.#inUse.keys()) if (!files.has(file)) this.#inUse.delete(file);
    this.#watching.want(new Set(this.#inUse.keys()));
    for (const file of files) if (this.#inUse.has(file)) this.#look(file);
  }

  stop(): void {
    this.#watching.stop();
  }

  #look(file: string): void {
    const before = this.#inUse.get(file);
    if (before === undefined) return;
    const read = readKey(file);
    if (read.kind === 'refused') {
      const why = `${read.why} (${read.remedy})`;
      if (why !== before.refused)
        this.#log.error('signing.key.refused', { file, why, now: 'the one before stays in use' });
      this.#inUse.set(file, { ...before, refused: why });
      return;
    }
    const { key, published } = read;
    if (published !== before.published)
      // The record that is published is hardly that of the new one already.
      this.#log.warn('signing.key.replaced', { file, algorithm: key.algorithm, see: 'postern doctor' });
    else if (before.refused !== '') this.#log.event('signing.key.mended', { file });
    this.#inUse.set(file, { key, published, refused: '' });
  }
}

type Read =
  | { readonly kind: 'sound'; readonly key: SigningKey; readonly published: string }
  | ({ readonly kind: 'refused' } & KeyFault);

function readKey(file: string): Read {
  const { reading, key } = readSigningKey(file);
  const fault = keyFault(reading);
  if (fault !== undefined) return { kind: 'refused', why: fault.why, remedy: fault.remedy };
  if (key === undefined || reading.kind !== 'read')
    throw new RangeError(`Cannot use ${file} as it must have been read`);
  return { kind: 'sound', key: signingKey(key), published: reading.facts.published };
}

/** Signs beside the event loop: RSA takes a millisecond. */
function signingKey(key: KeyObject): SigningKey {
  const algorithm = algorithmOf(key);
  switch (algorithm) {
    case 'rsa-sha256':
      return { algorithm, sign: (octets) => signOff('sha256', octets, key) };
    case 'ed25519-sha256':
      // RFC 8463 §3: PureEdDSA over the hash.
      return { algorithm, sign: (octets) => signOff(null, createHash('sha256').update(octets).digest(), key) };
    case undefined:
      throw new RangeError('Cannot sign with a key as it must be RSA or Ed25519');
  }
}
