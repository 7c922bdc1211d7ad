/** Passwords kept as argon2id (RFC 9106) in the form of the PHC: computed beside the event loop, a few at once. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Argon2Hash {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

/** What OWASP's cheat sheet calls the least that is good: 19 MiB, two passes; some 40 ms of one core. */
const OURS = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const SALT_OCTETS = 16; // RFC 9106 §3.1
const TAG_OCTETS = 32;

/** What a file may ask of us for one login: more would be a way to fill the memory. */
const MEMORY_MAX = 1 << 20;
const PASSES_MAX = 20;

export async function makeArgon2(password: string): Promise<string> {
  const salt = randomBytes(SALT_OCTETS);
  return sayArgon2({ ...OURS, salt, tag: await compute(password, { ...OURS, salt, tag: new Uint8Array(TAG_OCTETS) }) });
}

/** One that no password fits, and that costs as much as `like`. */
export const decoyHash = (like: Argon2Hash | undefined): Argon2Hash => ({
  ...(like ?? OURS),
  salt: randomBytes(SALT_OCTETS),
  tag: randomBytes(TAG_OCTETS),
});

const sayArgon2 = ({ memory, passes, parallelism, salt, tag }: Argon2Hash): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;

/** Undefined where it is none that we compute. */
export function readArgon2(text: string): Argon2Hash | undefined {
  const found =
    /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,171})$/.exec(
      text,
    );
  if (found === null) return undefined;
  const [memory, passes, parallelism] = found.slice(1, 4).map(Number) as [number, number, number];
  if (memory > MEMORY_MAX || passes < 1 || passes > PASSES_MAX || parallelism < 1 || memory < 8 * parallelism)
    return undefined;
  return { memory, passes, parallelism, salt: Buffer.from(found[4]!, 'base64'), tag: Buffer.from(found[5]!, 'base64') };
}

/** At once, of a thread: each takes its memory and a core of the pool that files are read by too. */
const AT_ONCE = 2;
/** Who comes behind so many would wait for seconds, and a flood for minutes. */
const WAITING_MAX = 32;

export class Argon2Pool {
  #running = 0;
  #waiting: (() => void)[] = [];

  /** Undefined: too many want it now. */
  async fits(password: string, hash: Argon2Hash): Promise<boolean | undefined> {
    if (this.#waiting.length >= WAITING_MAX) return undefined;
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return timingSafeEqual(await compute(password, hash), hash.tag);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

const compute = (password: string, { memory, passes, parallelism, salt, tag }: Argon2Hash): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    argon2(
      'argon2id',
      { message: password, nonce: salt, parallelism, tagLength: tag.length, memory, passes },
      (error, made) => (error === null ? resolve(made) : reject(error)),
    ),
  );

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64').replace(/=+$/, '');
