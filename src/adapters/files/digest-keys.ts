/** The keys of digests in a file of the store's folder: made at first use, exchanged each month, kept until their links are over. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EXPIRES_MOST } from '../../config/schema-digest.ts';
import { days, type Timestamp } from '../../mail/time.ts';
import type { DigestKeys } from '../../ports/digest-keys.ts';
import { replaceFile } from './replace-file.ts';
import { readSecret } from './secret-file.ts';

/** A key that got out is of no use for ever. */
const SIGNS_FOR = days(30);
const KEY_OCTETS = 32; // as long as the hash (RFC 2104 §3)

interface Kept {
  readonly since: Timestamp;
  readonly key: string;
}
const FILE = z.array(z.strictObject({ since: z.number(), key: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })).max(100);

/** Reads the file at once, so that what is wrong with it is told at start. */
export function digestKeys(store: string): DigestKeys {
  const file = join(store, 'digest-keys.json');
  let keys = read(file);
  const octets = ({ key }: Kept): Uint8Array => Buffer.from(key, 'base64url');
  return {
    signing(now) {
      const [newest] = keys;
      // One from the future was made under another clock, and signs as well as any.
      if (newest !== undefined && now - newest.since < SIGNS_FOR) return octets(newest);
      const fresh = { since: now, key: randomBytes(KEY_OCTETS).toString('base64url') };
      const next = [fresh, ...keys.filter((_, n) => mayHold(keys, n, now))];
      // On disk before anything is signed with it.
      replaceFile(file, `${JSON.stringify(next, null, 2)}\n`);
      keys = next;
      return octets(fresh);
    },
    accepted: (now) => keys.filter((_, n) => mayHold(keys, n, now)).map(octets),
  };
}

/** A key signed until the next one came; its last link holds as long as any link may. */
function mayHold(keys: readonly Kept[], n: number, now: Timestamp): boolean {
  const next = keys[n - 1];
  return next === undefined || now < next.since + EXPIRES_MOST;
}

function read(file: string): readonly Kept[] {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  const secret = readSecret(file);
  if (secret.kind === 'wrong')
    throw new Error(`Cannot sign the links of digests with ${file}: ${secret.why}\n${secret.remedy}`);
  try {
    return FILE.parse(JSON.parse(secret.text));
  } catch {
    // Its words are secret: what is wrong with them is not repeated.
    throw new Error(
      `Cannot sign the links of digests with ${file}: it is not what the gateway wrote\nremove it: links that were sent hold no more, new ones will`,
    );
  }
}
