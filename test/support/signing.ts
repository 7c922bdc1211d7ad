/** Signed and sealed messages for tests: keys made on the spot, their records for a zone. */
import { generateKeyPairSync } from 'node:crypto';
import { sealMessage } from 'mailauth/lib/arc/index.js';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';

export interface SigningKey {
  readonly privateKey: string;
  /** The key record's text. */
  readonly record: string;
}

export function ed25519Key(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  return { privateKey: pem(privateKey), record: `v=DKIM1; k=ed25519; p=${raw}` };
}

export function rsaKey(bits: number): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const p = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  return { privateKey: pem(privateKey), record: `v=DKIM1; k=rsa; p=${p}` };
}

const pem = (key: { export(options: { format: 'pem'; type: 'pkcs8' }): string | Buffer }): string =>
  key.export({ format: 'pem', type: 'pkcs8' }).toString();

/** The message with a DKIM signature on top. */
export async function signed(message: string, domain: string, key: SigningKey, more: object = {}): Promise<string> {
  const signature = { signingDomain: domain, selector: 's1', privateKey: key.privateKey, ...more };
  const { signatures } = await dkimSign(message, { signTime: SIGNED_AT, signatureData: [signature], ...more } as never);
  return signatures + message;
}

/** The message with another ARC set on top; `results` is what the sealer saw. */
export async function sealed(message: string, domain: string, key: SigningKey, results: string, more: object = {}) {
  const options = { signingDomain: domain, selector: 'arc', privateKey: key.privateKey, signTime: SIGNED_AT, ...more };
  const set = await sealMessage(message, { ...options, authResults: `${domain}; ${results}` } as never);
  return set.toString() + message;
}

export const SIGNED_AT = new Date('2026-11-22T09:00:00Z');
