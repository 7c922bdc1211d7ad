/** Servers of one directory of users: asked one after the other until one answers, each as the reader that may search. */
import { type Client, type Entry, InvalidSyntaxError, SizeLimitExceededError } from 'ldapts';
import { sayHostPort } from '../../config/host-port.ts';
import type { UserSourceSettings } from '../../config/installation.ts';
import { escapeValue } from '../../config/ldap-filter.ts';
import type { LdapServer } from '../../config/live-source.ts';
import { hush } from '../../mail/hush.ts';
import { clean } from '../../mail/reply.ts';
import { InTurn } from '../recipients/in-turn.ts';
import { LdapLine } from '../recipients/ldap-line.ts';

export type DirectorySettings = Extract<UserSourceSettings, { kind: 'ldap' }>;

/** Of one login: an entry with its addresses is a few kilobytes. */
const ANSWER_MAX = 256 << 10;
const WHY_MAX = 300; // characters
const NOBODY = 'postern-asks-whether-it-answers';

export class Directory {
  readonly #settings: DirectorySettings;
  readonly #password: () => string | undefined;
  readonly #servers: InTurn<LdapServer>;

  constructor(settings: DirectorySettings, password: () => string | undefined) {
    this.#settings = settings;
    this.#password = password;
    this.#servers = new InTurn(settings.servers, settings.timeout);
  }

  /** Rejects with why no server answered; `secrets` stand nowhere in it. */
  async ask<T>(work: (client: Client) => Promise<T>, signal: AbortSignal, secrets: readonly string[] = []): Promise<T> {
    signal.throwIfAborted();
    const came = await this.#servers.ask((server, share) => this.#askAt(server, work, share), signal);
    if (came.kind === 'answered') return came.answer;
    const told = came.failures.map(({ server, error }) => {
      const why = error instanceof AggregateError ? error.errors.map(sayError).join('; ') : sayError(error);
      return `${sayHostPort(server)}: ${this.told(why, secrets)}`;
    });
    throw new Error(told.join('; '));
  }

  /** Entries that fit, two at most; none where the directory can make nothing of the name. */
  async find(client: Client, user: string): Promise<readonly Entry[]> {
    const { base, filter, name, addresses, timeout } = this.#settings;
    try {
      const { searchEntries } = await client.search(base, {
        scope: 'sub',
        filter: filter.replaceAll('{user}', () => escapeValue(user)),
        attributes: [name, ...addresses],
        sizeLimit: 2,
        timeLimit: Math.ceil(timeout / 1000),
      });
      return searchEntries;
    } catch (error) {
      // Of what was typed, not of the directory: else whoever types it could have it called down.
      if (error instanceof SizeLimitExceededError || error instanceof InvalidSyntaxError) return [];
      throw error;
    }
  }

  /** Whether it finds somebody by a name that nobody has. Rejects where it does not answer. */
  async probe(signal: AbortSignal, nobody = NOBODY): Promise<'nobody' | 'somebody'> {
    const found = await this.ask((client) => this.find(client, nobody), signal);
    return found.length === 0 ? 'nobody' : 'somebody';
  }

  async #askAt<T>(server: LdapServer, work: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { ca, bindDn } = this.#settings;
    const line = new LdapLine(server, ca === '' ? undefined : ca);
    try {
      return await line.run(signal, ANSWER_MAX, async () => {
        await line.secure();
        if (bindDn !== '') await line.client.bind(bindDn, this.#password() ?? fail('its password is not to be had'));
        return work(line.client);
      });
    } finally {
      line.close();
    }
  }

  /** A server's words as they may be told: without the passwords it heard. */
  told(words: string, secrets: readonly string[]): string {
    return clean(hush(words, [...secrets, this.#password()]).replace(/\s+/g, ' '), WHY_MAX);
  }
}

export const sayError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

function fail(why: string): never {
  throw new Error(why);
}
