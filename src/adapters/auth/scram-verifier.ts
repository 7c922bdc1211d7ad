/** SCRAM-SHA-256 verifiers as a file keeps them (RFC 5803), and how they come of a password (RFC 5802 §3, RFC 7677). */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { ScramVerifier } from '../../ports/logins.ts';

/** RFC 7677 §4 asks for 4,096 at least; a client computes it at every login, and phones do so in a tenth of a second. */
const ITERATIONS = 100_000;
const SALT_OCTETS = 16;
const ITERATIONS_MAX = 10_000_000;

const derive = promisify(pbkdf2);

export async function makeScram(password: string): Promise<string> {
  const salt = randomBytes(SALT_OCTETS);
  const { storedKey, serverKey } = keysOf(await derive(password, salt, ITERATIONS, 32, 'sha256'));
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey.toString('base64')}:${serverKey.toString('base64')}`;
}

export function keysOf(saltedPassword: Uint8Array): { readonly storedKey: Buffer; readonly serverKey: Buffer } {
  const clientKey = createHmac('sha256', saltedPassword).update('Client Key').digest();
  return {
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: createHmac('sha256', saltedPassword).update('Server Key').digest(),
  };
}

/** Undefined where it is none. */
export function readScram(text: string): ScramVerifier | undefined {
  const found =
    /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/]{8,88}={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/.exec(text);
  if (found === null) return undefined;
  const iterations = Number(found[1]);
  if (iterations < 4096 || iterations > ITERATIONS_MAX) return undefined;
  const [salt, storedKey, serverKey] = found.slice(2).map((part) => Buffer.from(part, 'base64')) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  return { iterations, salt, storedKey, serverKey };
}

/** `secret` keeps a stranger from computing which salts are made up. */
export function decoyScram(user: string, secret: string, like: ScramVerifier | undefined): ScramVerifier {
  const from = (what: string): Buffer => createHmac('sha256', secret).update(`${what} ${user}`).digest();
  return {
    iterations: like?.iterations ?? ITERATIONS,
    salt: from('salt').subarray(0, like?.salt.length ?? SALT_OCTETS),
    storedKey: from('stored'),
    serverKey: from('server'),
  };
}
