/** SCRAM-SHA-256 from the server's side (RFC 5802 §5, RFC 7677): the password never crosses the wire, not even to us. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Exchange, SaslStep } from './sasl.ts';
import type { ScramKeys } from './session.ts';

const NONCE_OCTETS = 18;

/** Without channel binding: -PLUS is not offered, so a client that says `p=` cannot be served (§6). */
export class ScramExchange implements Exchange {
  readonly mechanism = 'SCRAM-SHA-256';
  readonly #keysOf: (user: string) => Promise<ScramKeys>;
  #state:
    | { readonly at: 'first' }
    | {
        readonly at: 'final';
        readonly gs2: string;
        readonly bare: string;
        readonly serverFirst: string;
        readonly nonce: string;
        readonly user: string;
        readonly authorization: string;
        readonly keys: ScramKeys;
      } = { at: 'first' };

  constructor(keysOf: (user: string) => Promise<ScramKeys>) {
    this.#keysOf = keysOf;
  }

  async begin(initial: Uint8Array | undefined): Promise<SaslStep> {
    return initial === undefined ? { kind: 'challenge', octets: new Uint8Array() } : this.next(initial);
  }

  async next(response: Uint8Array): Promise<SaslStep> {
    const said = Buffer.from(response).toString('utf8');
    return this.#state.at === 'first' ? this.#first(said) : this.#final(said);
  }

  async #first(said: string): Promise<SaslStep> {
    const found = /^([ny]|p=[^,]*),(?:a=([^,]*))?,((?:m=[^,]*,)?n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/u.exec(
      said,
    );
    if (found === null) return bad('the first message is n,,n=NAME,r=NONCE');
    const [, binding, authzid = '', bare, name, nonce] = found as unknown as [
      string,
      string,
      string | undefined,
      string,
      string,
      string,
    ];
    if (binding.startsWith('p')) return bad('channel binding is not offered');
    if (bare.startsWith('m=')) return bad('an extension that is not known is asked for'); // RFC 5802 §5.1 "m"
    const user = decodeName(name);
    const authorization = decodeName(authzid);
    if (user === undefined || authorization === undefined) return bad('write = as =3D and , as =2C in a name');
    const keys = await this.#keysOf(user);
    const whole = nonce + randomBytes(NONCE_OCTETS).toString('base64');
    const serverFirst = `r=${whole},s=${Buffer.from(keys.salt).toString('base64')},i=${keys.iterations}`;
    const gs2 = said.slice(0, said.length - bare.length);
    this.#state = { at: 'final', gs2, bare, serverFirst, nonce: whole, user, authorization, keys };
    return { kind: 'challenge', octets: Buffer.from(serverFirst) };
  }

  #final(said: string): SaslStep {
    if (this.#state.at !== 'final') return bad('a message before the first');
    const { gs2, bare, serverFirst, nonce, user, authorization, keys } = this.#state;
    const found = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[^,]+)*?),p=([A-Za-z0-9+/]{43}=)$/.exec(said);
    if (found === null) return bad('the final message is c=BINDING,r=NONCE,p=PROOF');
    const [, withoutProof, binding, echoed, proof] = found as unknown as [string, string, string, string, string];
    if (binding !== Buffer.from(gs2).toString('base64') || echoed !== nonce)
      return bad('the final message does not fit the first');
    const message = `${bare},${serverFirst},${withoutProof}`;
    const signature = hmac(keys.storedKey, message);
    const clientKey = Buffer.from(proof, 'base64').map((octet, n) => octet ^ signature[n]!);
    const fits = timingSafeEqual(createHash('sha256').update(clientKey).digest(), keys.storedKey);
    const verifier = Buffer.from(`v=${hmac(keys.serverKey, message).toString('base64')}`);
    return { kind: 'proof', credentials: { kind: 'scram', authorization, user, fits, verifier } };
  }
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** RFC 5802 §5.1 "saslname". */
const decodeName = (text: string): string | undefined =>
  /=(?!2C|3D)/.test(text) ? undefined : text.replaceAll('=2C', ',').replaceAll('=3D', '=');

const bad = (why: string): SaslStep => ({ kind: 'bad', why });
