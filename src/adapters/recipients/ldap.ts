/** A directory as recipient source (RFC 4511): a bind that may read, and one search for each address. */
import type { Client } from 'ldapts';
import { sayHostPort } from '../../config/host-port.ts';
import { fillFilter, oneOf } from '../../config/ldap-filter.ts';
import type { LdapSource, LoadedSource } from '../../config/live-source.ts';
import { foldAscii, parseMailbox } from '../../mail/address.ts';
import type { AskedAddress, RecipientClient } from '../../ports/recipients.ts';
import { SourceError } from '../../ports/recipients.ts';
import { type HeldClient, HeldClients } from './held-clients.ts';
import { InTurn } from './in-turn.ts';
import { LdapLine } from './ldap-line.ts';
import { authorities, secretAt, troubleOf } from './secrets.ts';

/** One address stands in few entries, of which only the names come: a kilobyte each at most. */
const ANSWER_MAX = 256 << 10;
/** No attribute of an entry is wanted (RFC 4511 §4.5.1.8). */
const NO_ATTRIBUTES = ['1.1'];

type Server = LdapSource['servers'][number];

export const ldapClient = (source: LdapSource): RecipientClient => new HeldClients(opener(source));

function opener(source: LdapSource): (signal: AbortSignal) => Promise<Bound> {
  const servers = new InTurn(source.servers, source.timeout);
  return async (signal) => {
    const came = await servers.ask((server, share) => openAt(source, server, share), signal);
    if (came.kind === 'answered') return came.answer;
    if (signal.aborted || source.servers.length === 1) throw came.failures.at(-1)?.error;
    const told = came.failures.map(
      ({ server, error }) => `${sayHostPort(server)}: ${error instanceof Error ? error.message : String(error)}`,
    );
    throw new SourceError('down', told.join('; '));
  };
}

/** Entries a page (RFC 2696): within what Active Directory gives at most, 1,000. */
const PAGE = 500;
/** A page of entries with the addresses of each. */
const PAGE_MAX = 16 << 20;
/** As much as a list of recipients holds elsewhere in a second of work. */
const ADDRESSES_MAX = 2_000_000;

/** Every address of the list, lower case, once. */
export async function loadAddresses(source: LoadedSource, signal: AbortSignal): Promise<readonly string[]> {
  const bound = await opener(source)(AbortSignal.any([signal, AbortSignal.timeout(source.timeout)]));
  const { attributes } = source.list;
  const pages = bound.client.searchPaginated(source.base, {
    scope: 'sub',
    filter: source.filter,
    attributes: [...attributes],
    paged: { pageSize: PAGE },
  });
  const wanted = new Set(attributes.map((name) => name.toLowerCase()));
  const found = new Set<string>();
  try {
    for (;;) {
      const page = await bound.run(signal, PAGE_MAX, () => pages.next());
      if (page.done === true) return [...found];
      // Active Directory gives 1,500 values at a time, and says so behind the name (`;range=0-1499`): nobody has more addresses.
      for (const { dn: _, ...entry } of page.value.searchEntries)
        for (const [name, values] of Object.entries(entry))
          if (wanted.has(name.toLowerCase().split(';')[0] ?? ''))
            for (const value of [values].flat()) addAddress(found, String(value));
      if (found.size > ADDRESSES_MAX) throw new SourceError('down', `it holds more than ${ADDRESSES_MAX} addresses`);
    }
  } finally {
    bound.close();
  }
}

/** `alice@example.com`, `SMTP:alice@example.com`; what is of another kind (`sip:`, `X500:`) is passed over. */
function addAddress(found: Set<string>, value: string): void {
  const mailbox = parseMailbox(value.replace(/^smtp:/i, '').trim(), true);
  if (mailbox.kind === 'ok') found.add(`${foldAscii(mailbox.value.local)}@${mailbox.value.domain}`);
}

/** Bound, and ready for one search after the other. */
interface Bound extends HeldClient {
  readonly client: Client;
  /** The next question, with an allowance of its own. */
  run<T>(signal: AbortSignal, octetsMax: number, work: () => Promise<T>): Promise<T>;
}

async function openAt(source: LdapSource, server: Server, signal: AbortSignal): Promise<Bound> {
  const secret = secretAt(source.password);
  const line = new LdapLine(server, authorities(source.caFile));
  const { client } = line;
  const run: Bound['run'] = async (within, octetsMax, work) => {
    try {
      return await line.run(within, octetsMax, work);
    } catch (error) {
      throw troubleOf(error, secret);
    }
  };
  try {
    await run(signal, ANSWER_MAX, async () => {
      await line.secure();
      if (source.bindDn !== '') await client.bind(source.bindDn, secret ?? '');
    });
  } catch (error) {
    line.destroy();
    throw error;
  }
  return {
    get broken() {
      return line.broken;
    },
    client,
    run,
    ask: (asked, within) => run(within, ANSWER_MAX, () => search(client, source, asked)),
    close: () => line.close(),
  };
}

async function search(client: Client, source: LdapSource, asked: AskedAddress): Promise<'known' | 'unknown'> {
  const { searchEntries } = await client.search(source.base, {
    scope: 'sub',
    filter: fillFilter(source.list === undefined ? source.filter : oneOf(source.filter, source.list.attributes), {
      ...asked,
      local: foldAscii(asked.local),
    }),
    attributes: NO_ATTRIBUTES,
    timeLimit: Math.ceil(source.timeout / 1000),
  });
  // References to other servers are not followed: who is known there stands in a source of its own.
  return searchEntries.length > 0 ? 'known' : 'unknown';
}
