/** PLAIN (RFC 4616) and LOGIN: the client says its password, and TLS keeps it. */
import { isUtf8 } from 'node:buffer';
import type { Exchange, SaslStep } from './sasl.ts';

export class PlainExchange implements Exchange {
  readonly mechanism = 'PLAIN';

  async begin(initial: Uint8Array | undefined): Promise<SaslStep> {
    return initial === undefined ? { kind: 'challenge', octets: new Uint8Array() } : this.next(initial);
  }

  async next(response: Uint8Array): Promise<SaslStep> {
    const parts = textOf(response)?.split('\0');
    if (parts?.length !== 3) return { kind: 'bad', why: 'PLAIN is authorization, NUL, name, NUL, password' };
    const [authorization, user, password] = parts as [string, string, string];
    return { kind: 'proof', credentials: { kind: 'password', authorization, user, password } };
  }
}

/** Never a standard (draft-murchison-sasl-login), and what old clients speak. */
export class LoginExchange implements Exchange {
  readonly mechanism = 'LOGIN';
  #user: string | undefined;

  async begin(initial: Uint8Array | undefined): Promise<SaslStep> {
    return initial === undefined ? { kind: 'challenge', octets: Buffer.from('Username:') } : this.next(initial);
  }

  async next(response: Uint8Array): Promise<SaslStep> {
    const text = textOf(response);
    if (text === undefined) return { kind: 'bad', why: 'write UTF-8 in base64' };
    if (this.#user !== undefined)
      return { kind: 'proof', credentials: { kind: 'password', authorization: '', user: this.#user, password: text } };
    this.#user = text;
    return { kind: 'challenge', octets: Buffer.from('Password:') };
  }
}

const textOf = (octets: Uint8Array): string | undefined =>
  isUtf8(octets) ? Buffer.from(octets).toString('utf8') : undefined;
