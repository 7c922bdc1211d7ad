/** The words of `recipients:` of a domain: who is known there, and whom to ask. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { path, text } from './schema-text.ts';

const names = (expected: string) => z.array(text(expected)).max(10_000);

const PERCENT = z
  .string({ error: 'expected a percentage such as 10%' })
  .regex(/^(?:\d{1,2}(?:\.\d+)?|100)\s?%$/, { error: 'this is not a percentage: expected a number such as 10%' })
  .meta({ expected: 'a percentage such as 10%' });

/** A sender waits five minutes for the answer to RCPT (RFC 5321 §4.5.3.2.3), and may have more recipients to come. */
const TIMEOUT_MAX = seconds(60);
/** A database or a store is not there for us alone. */
const CONNECTIONS_MAX = 32;
const RATE_MAX = 1000;
/** A list is a search through a whole directory. */
const LIST_LEAST = seconds(10);
/** A query that does not fit a page is a view of the database's own. */
const QUERY_MAX = 4000;

interface Spans {
  readonly timeout: string;
  readonly connections: number;
  readonly knownFor: string;
  readonly unknownFor: string;
}

/** What every source that is asked over the network may say. */
const asked = ({ timeout, connections, knownFor, unknownFor }: Spans) => ({
  timeout: duration(seconds(0.1))
    .refine((span) => span <= TIMEOUT_MAX, 'expected 60s or less: the sender is waiting')
    .prefault(timeout)
    .meta({ description: 'How long one question may take, waiting for its turn included' }),
  connections: z
    .int()
    .min(1)
    .max(CONNECTIONS_MAX)
    .prefault(connections)
    .meta({ description: 'Questions at once, for the whole gateway; others wait their turn' }),
  known_for: duration().prefault(knownFor).meta({ description: 'How long a "yes" is answered from memory' }),
  unknown_for: duration()
    .prefault(unknownFor)
    .meta({ description: 'How long a "no" is answered from memory: so long a new mailbox may be refused' }),
  last_known: duration().prefault('7d').meta({
    description:
      'While the source does not answer, whom it knew within this time is known; kept over a restart. 0s: nobody is',
  }),
  on_error: z
    .enum(['defer', 'accept'])
    .prefault('defer')
    .meta({ description: 'What the others are answered while it does not: 450, or as if they were known' }),
});

const SECRET = { password_file: path.optional(), password: text('env:NAME').optional() };
const CA_FILE = path.optional().meta({
  description: 'Certificates (PEM) of whoever signed the server’s, in place of those this machine trusts',
});

const LDAP = z.strictObject({
  url: z
    .union([
      text('an address such as "ldaps://ldap.internal"'),
      names('an address such as "ldaps://ldap.internal"').min(1).max(16),
    ])
    .meta({ expected: 'an address such as "ldaps://ldap.internal", or a list of them, asked in order' }),
  tls: z
    .enum(['starttls', 'none'])
    .optional()
    .meta({ description: 'Of `ldap:` addresses; `none` only to this machine. `ldaps:` is encrypted from the start' }),
  ca_file: CA_FILE,
  base: text('where the search starts'),
  preset: z
    .enum(['active-directory', 'openldap'])
    .optional()
    .meta({ description: 'A filter that fits, in place of `filter`' }),
  filter: text('a filter with {address}').optional(),
  bind_dn: text('who asks').optional(),
  list: z
    .strictObject({
      every: duration(LIST_LEAST)
        .prefault('15m')
        .meta({ description: 'How often; a new mailbox is unknown until then' }),
      attributes: names('an attribute that holds addresses')
        .min(1)
        .max(16)
        .prefault(['mail', 'proxyAddresses', 'mailAlternateAddress'])
        .meta({ description: 'Where addresses stand, as they are or behind smtp:' }),
      max_shrink: PERCENT.prefault('10%'),
    })
    .optional()
    .meta({
      description:
        'All addresses are loaded now and then, in pages, instead of a question for each recipient. `{}` for what is usual',
    }),
  ...SECRET,
  ...asked({ timeout: '5s', connections: 4, knownFor: '15m', unknownFor: '1m' }),
});

const SQL = z.strictObject({
  url: text('an address such as "postgres://reader@db.internal/mail"'),
  tls: z.enum(['verified', 'none']).optional().meta({ description: '`none` only to this machine' }),
  ca_file: CA_FILE,
  query: z.string().min(1).max(QUERY_MAX).meta({
    expected: 'a query with $1 for the address',
    description:
      '$1 is the address, $2 its local part, $3 its domain, in lower case; a row says yes, unless it begins with false, 0 or null',
  }),
  ...SECRET,
  ...asked({ timeout: '5s', connections: 4, knownFor: '15m', unknownFor: '1m' }),
});

const CALLOUT = z.strictObject({
  hosts: names('a host with its port')
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'Without them, those of the domain’s route' }),
  tls: z
    .enum(['none', 'opportunistic', 'verified'])
    .optional()
    .meta({ description: 'As of a route; without it that of the domain’s route, or `opportunistic`' }),
  probe_random: z.boolean().prefault(true).meta({
    description: 'A made-up name is asked for too: a host that takes it takes everybody, and is not believed',
  }),
  rate: z
    .int()
    .min(1)
    .max(RATE_MAX)
    .prefault(20)
    .meta({ description: 'Questions a second, for the whole gateway; others wait their turn' }),
  // Exchange keeps whoever asks for an unknown name waiting for five seconds.
  ...asked({ timeout: '20s', connections: 4, knownFor: '4h', unknownFor: '10m' }),
});

const RECIPIENT_SOURCE = z.union([
  z.strictObject({
    inline: names('a local part or an address').min(1).meta({ description: 'Who is known, written out' }),
  }),
  z.strictObject({
    file: path,
    max_shrink: PERCENT.prefault('10%'),
    max_age: duration(seconds(1)).optional().meta({ description: 'A file that is older is stale; without it none is' }),
    on_stale: z
      .enum(['defer', 'accept'])
      .prefault('defer')
      .meta({ description: 'What those hear whom a stale file does not name: 450, or as if they were known' }),
  }),
  z.strictObject({ pattern: text('a regular expression over the whole local part') }),
  z.strictObject({
    ldap: LDAP.meta({ description: 'A directory that is searched for each recipient, or loaded as a list' }),
  }),
  z.strictObject({ sql: SQL.meta({ description: 'PostgreSQL, asked by one query for each recipient' }) }),
  z.strictObject({ callout: CALLOUT.meta({ description: 'A store that is asked by RCPT, and sent nothing' }) }),
]);

export const RECIPIENTS = z
  .union([z.literal('any'), RECIPIENT_SOURCE, z.array(z.union([z.literal('any'), RECIPIENT_SOURCE])).min(1)])
  .meta({ expected: '`any`, or a map with inline, file, pattern, ldap, sql or callout, or a list of these' });

export type WrittenSources = z.output<typeof RECIPIENTS>;
export type WrittenSource = Exclude<WrittenSources, readonly unknown[]>;
export type WrittenLdap = z.output<typeof LDAP>;
export type WrittenSql = z.output<typeof SQL>;
export type WrittenCallout = z.output<typeof CALLOUT>;
