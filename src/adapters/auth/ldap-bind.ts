/** Users of a directory: looked up by name, and asked for their password by a bind in their own (RFC 4513 §5.1.3). */
import type { ConnectionOptions } from 'node:tls';
import { Client, InvalidCredentialsError, NoSuchObjectError } from 'ldapts';
import type { UserSourceSettings } from '../../config/installation.ts';
import { parseMailbox } from '../../mail/address.ts';
import { hush } from '../../mail/hush.ts';
import type { Log } from '../../ports/log.ts';
import type { Checked, UserSource } from '../../ports/logins.ts';

type Settings = Extract<UserSourceSettings, { kind: 'ldap' }>;

/** Binds at once, of a thread: a directory that hangs must not gather sockets. */
const AT_ONCE = 16;
/** Of one user; more is no person's. */
const ADDRESSES_MAX = 200;

/** RFC 4515 §3. */
const escapeFilter = (text: string): string =>
  text.replace(/[\\*()\0]|[^\x20-\x7e]/gu, (letter) =>
    [...Buffer.from(letter, 'utf8')].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join(''),
  );

export class LdapUsers implements UserSource {
  readonly scram = false;
  readonly #settings: Settings;
  readonly #password: () => string | undefined;
  readonly #log: Log;
  #running = 0;
  #troubled = '';

  constructor(settings: Settings, password: () => string | undefined, log: Log) {
    this.#settings = settings;
    this.#password = password;
    this.#log = log;
  }

  verifier(): undefined {
    return undefined;
  }

  decoy(): undefined {
    return undefined;
  }

  async check(user: string, password: string, signal: AbortSignal): Promise<Checked> {
    // RFC 4513 §5.1.2: a bind with a name and no password succeeds, as nobody.
    if (password === '') return { kind: 'wrong' };
    if (this.#running >= AT_ONCE) return { kind: 'trouble', why: 'too many log in at once' };
    this.#running += 1;
    const client = this.#client();
    const end = (): void => void client.unbind().catch(() => {});
    signal.addEventListener('abort', end, { once: true });
    try {
      const checked = await this.#ask(client, user, password);
      if (this.#troubled !== '') this.#log.event('users.ldap.restored', { url: this.#settings.url });
      this.#troubled = '';
      return checked;
    } catch (error) {
      const why = sayError(error, [password, this.#password()]);
      if (why !== this.#troubled) this.#log.error('users.ldap.failed', { url: this.#settings.url, why });
      this.#troubled = why;
      return { kind: 'trouble', why };
    } finally {
      this.#running -= 1;
      signal.removeEventListener('abort', end);
      end();
    }
  }

  async #ask(client: Client, user: string, password: string): Promise<Checked> {
    const { url, tls, base, filter, addresses, bindDn, timeout } = this.#settings;
    if (tls === 'required' && !url.startsWith('ldaps:'))
      await client.startTLS(this.#tlsOptions(new URL(url).hostname.replace(/^\[|\]$/g, '')));
    if (bindDn !== '') await client.bind(bindDn, this.#password() ?? fail('its password is not to be had'));
    const { searchEntries } = await client.search(base, {
      scope: 'sub',
      filter: filter.replaceAll('{user}', () => escapeFilter(user)),
      attributes: addresses.length === 0 ? ['1.1'] : [...addresses],
      sizeLimit: 2,
      timeLimit: Math.ceil(timeout / 1000),
    });
    const [entry, another] = searchEntries;
    // Who is meant must be beyond doubt: nobody logs in as the first of several.
    const one = entry !== undefined && another === undefined ? entry : undefined;
    const right = await binds(client, one?.dn ?? `cn=nobody,${base}`, password);
    if (one === undefined) return { kind: 'unknown' };
    return right ? { kind: 'right', user, addresses: addressesOf(one, addresses) } : { kind: 'wrong' };
  }

  #client(): Client {
    const { url, timeout } = this.#settings;
    // With options of TLS it speaks TLS at once, whatever the address says.
    const secure = url.startsWith('ldaps:') ? { tlsOptions: this.#tlsOptions() } : {};
    return new Client({ url, timeout, connectTimeout: timeout, strictDN: false, ...secure });
  }

  /** `host`: whose name the certificate must bear, where the socket is there already. */
  #tlsOptions(host?: string): ConnectionOptions {
    const { ca } = this.#settings;
    return { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === '' ? {} : { ca }), ...(host && { host }) };
  }
}

async function binds(client: Client, dn: string, password: string): Promise<boolean> {
  try {
    await client.bind(dn, password);
    return true;
  } catch (error) {
    if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return false;
    throw error;
  }
}

/** Of `proxyAddresses` (Active Directory) those that begin with smtp:. */
function addressesOf(entry: { readonly [attribute: string]: unknown }, attributes: readonly string[]): string[] {
  const wanted = new Set(attributes.map((name) => name.toLowerCase()));
  return Object.entries(entry)
    .filter(([name]) => wanted.has(name.toLowerCase()))
    .flatMap(([, value]) => [value].flat())
    .flatMap((value) => {
      const parsed = typeof value === 'string' ? parseMailbox(value.replace(/^smtp:/i, ''), true) : undefined;
      return parsed?.kind === 'ok' ? [parsed.value.address.toLowerCase()] : [];
    })
    .slice(0, ADDRESSES_MAX);
}

function fail(why: string): never {
  throw new Error(why);
}

/** A server's words, without the passwords it was told. */
const sayError = (error: unknown, secrets: readonly (string | undefined)[]): string =>
  error instanceof Error
    ? hush(`${error.name}: ${error.message}`, secrets)
        .replace(/[\x00-\x1f\x7f]+/g, ' ')
        .slice(0, 200)
    : 'failed';
