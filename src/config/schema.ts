/** Every word of `postern.yaml`. What has not come yet is known here too, so that it is refused by name and never ignored. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';
import { hours, minutes, seconds } from '../mail/time.ts';
import { HELD_CLASSES, type HeldClass } from '../queue/held-class.ts';
import { DIGEST } from './schema-digest.ts';
import { FLOW_KEYS } from './schema-flow.ts';
import { LIMITS } from './schema-limits.ts';

const text = (expected: string) => z.string().min(1).max(1000).meta({ expected });
const path = text('a path; relative ones start at the folder of this file');
const names = (expected: string) => z.array(text(expected)).max(10_000);
const ranges = names('an address or a range such as 192.0.2.0/24');

/** A client waits five minutes for the greeting (RFC 5321 §4.5.3.2.1), and checks at connect want their share of them. */
const GREET_WAIT_MAX = minutes(1);

export const LISTENER = z.strictObject({
  address: text('an address with its port, such as "0.0.0.0:25" or "[::]:25"'),
  policy: text('the name of a policy: `inbound` for policies/inbound.yaml').prefault('inbound'),
  tls: z.enum(['none', 'opportunistic', 'implicit', 'required']).optional(),
  auth: z.enum(['none', 'required']).optional(),
  trusted_networks: ranges.prefault([]),
  xclient_from: ranges.prefault([]),
  proxy_from: ranges.prefault([]),
  greet_wait: duration()
    .refine((span) => span <= GREET_WAIT_MAX, 'expected 1m or less: honest clients give up')
    .prefault('0s'),
  newline: z.enum(['strict', 'normalize']).prefault('strict'),
  mixed: z.enum(['quarantine', 'dsn_if_verified', 'split']).prefault('quarantine'),
});

const PERCENT = z
  .string({ error: 'expected a percentage such as 10%' })
  .regex(/^(?:\d{1,2}(?:\.\d+)?|100)\s?%$/, { error: 'this is not a percentage: expected a number such as 10%' })
  .meta({ expected: 'a percentage such as 10%' });

const RECIPIENT_SOURCE = z.union([
  z.strictObject({ inline: names('a local part or an address').min(1) }),
  z.strictObject({
    file: path,
    max_shrink: PERCENT.prefault('10%'),
    max_age: duration(seconds(1)).optional(),
    on_stale: z.enum(['defer', 'accept']).prefault('defer'),
  }),
  z.strictObject({ pattern: text('a regular expression over the whole local part') }),
  z.strictObject({
    ldap: z.strictObject({
      url: text('an address such as "ldaps://ldap.internal"'),
      base: text('where the search starts'),
      filter: text('a filter with {address}'),
      bind_dn: text('who asks').optional(),
      password_file: path.optional(),
      password: text('env:NAME').optional(),
    }),
  }),
  z.strictObject({
    sql: z.strictObject({
      url: text('an address such as "postgres://db.internal/mail"'),
      query: text('a query with $1 for the address'),
      password_file: path.optional(),
      password: text('env:NAME').optional(),
    }),
  }),
  z.strictObject({
    callout: z.strictObject({ hosts: names('a host with its port').min(1), probe_random: z.boolean().optional() }),
  }),
]);
const SETTING = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))]);

export const DOMAIN = z.strictObject({
  route: text('the name of a route'),
  recipients: z
    .union([z.literal('any'), RECIPIENT_SOURCE, z.array(z.union([z.literal('any'), RECIPIENT_SOURCE])).min(1)])
    .meta({ expected: '`any`, or a map with inline, file, pattern, ldap, sql or callout, or a list of these' }),
  settings: z.record(z.string(), SETTING).prefault({}),
});

// An attempt costs a connection; nobody needs a hundred a second to one host.
const RETRY_LEAST = 50;
const RETRY = z.array(duration(RETRY_LEAST)).min(1).max(64);
const DELAY_NOTICE = z
  .union([z.literal('never'), duration(seconds(1))])
  .meta({ expected: '`never` or a duration such as 4h' });

/** What is held a shorter time is gone before a digest or a person can tell of it. */
const HELD_LEAST = hours(1);
const HELD_BY_CLASS = z.strictObject({
  ...(Object.fromEntries(HELD_CLASSES.map((name) => [name, duration(HELD_LEAST).optional()])) as {
    readonly [name in HeldClass]: z.ZodOptional<ReturnType<typeof duration>>;
  }),
  default: duration(HELD_LEAST).prefault('30d'),
});

/** RFC 5321 §4.5.3.1.7: a host takes at least this much. */
const ROUTE_SIZE_LEAST = 64 * 1024;

export const ROUTE = z.strictObject({
  protocol: z.enum(['smtp', 'lmtp', 'maildir']).optional(),
  hosts: names('a host with its port, or unix: and a path').min(1).max(64).optional(),
  path: path.optional(),
  mx: z.boolean().optional(),
  port: z.int().min(1).max(65_535).optional(),
  tls: z.enum(['none', 'opportunistic', 'required', 'verified', 'dane', 'mta-sts']).optional(),
  auth: z
    .strictObject({ user: text('a user'), password_file: path.optional(), password: text('env:NAME').optional() })
    .optional(),
  retry: RETRY.optional(),
  expire: duration(seconds(1)).optional(),
  delay_notice: DELAY_NOTICE.optional(),
  smtputf8: z
    .boolean()
    .meta({ description: 'The hosts are known to take internationalized mail (RFC 6531)' })
    .optional(),
  size: size()
    .refine((octets) => octets >= ROUTE_SIZE_LEAST, 'expected 64 KiB or more, which every host takes')
    .meta({ description: 'What the hosts say with SIZE; larger messages are refused at the edge (RFC 1870)' })
    .optional(),
  refused_after_accept: z.enum(['dsn_if_verified', 'quarantine']).prefault('dsn_if_verified'),
  ...FLOW_KEYS,
});

export const SIGNING = z.array(
  z.strictObject({
    selector: text('a selector'),
    key_file: path,
    state: z.enum(['active', 'next', 'retired']).prefault('active'),
  }),
);

/** A daemon that is there answers the handshake at once; one that is not must not eat a check's time. */
const connectTimeout = () =>
  duration(10).prefault('2s').meta({ description: 'how long connecting may take; the check has its own time beside' });

const SERVICES = z.strictObject({
  clamav: z
    .strictObject({
      address: text('a host with its port, or unix: and a path').meta({ examples: ['unix:/run/clamav/clamd.ctl'] }),
      connect_timeout: connectTimeout(),
      max_size: size()
        .meta({
          description:
            "Files longer than this are `too-large` and not sent: clamd's StreamMaxLength. Without it clamd says what is too long",
        })
        .optional(),
    })
    .optional(),
  spamassassin: z
    .strictObject({
      address: text('a host with its port, or unix: and a path').meta({ examples: ['127.0.0.1:783'] }),
      connect_timeout: connectTimeout(),
    })
    .optional(),
  rspamd: z
    .strictObject({
      url: text('an address such as "http://127.0.0.1:11333"'),
      connect_timeout: connectTimeout(),
    })
    .optional(),
});

/** What may be written in several files, entry by entry. */
export const MAPS = { listeners: LISTENER, domains: DOMAIN, routes: ROUTE, signing: SIGNING } as const;

/** An id's counter has room for sixteen threads (record/id.ts), and a machine with more cores is no mail gateway's. */
const THREADS_MAX = 8;

/** What is said once. */
export const SINGLES = {
  hostname: text('our own name in DNS, such as mx1.example.com'),
  node: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,63}$/, { error: 'this is not a node name: expected letters, digits, - and _' })
    .meta({ expected: 'a name for this machine, such as mx1' }),
  threads: z
    .union([z.literal('cores'), z.int().min(0).max(THREADS_MAX)])
    .prefault('cores')
    .meta({
      expected: `\`cores\` or a number to ${THREADS_MAX}`,
      description:
        'Threads that speak with clients and decide, beside the one that sends and the one that keeps the store. `cores`: one ' +
        'a core but one; 0: the sending thread does it too, for the smallest machines',
    }),
  postmaster: text('an address'),
  certificates: z
    .array(
      z.strictObject({
        names: names('a host name, or *.example.com').min(1),
        certificate: path,
        key: path,
      }),
    )
    .max(1000),
  default_route: text('the name of a route'),
  dns: z.strictObject({
    servers: names('an address, with or without a port').min(1).max(16).prefault(['127.0.0.1:53']),
    timeout: duration(1).prefault('5s'),
  }),
  services: SERVICES,
  policies: path,
  store: z.strictObject({ path: path.prefault('var/postern'), min_free: size().prefault('1 GiB') }),
  queue: z.strictObject({
    retry: RETRY.prefault(['5m', '10m', '20m', '40m', '1h', '2h', '4h']),
    expire: duration(seconds(1)).prefault('5d'), // four to five days (RFC 5321 §4.5.4.1)
    delay_notice: DELAY_NOTICE.prefault('4h'),
    notification_expire: duration(seconds(1)).prefault('2d').meta({
      description:
        'How long a notification or other mail of our own is tried; then it is kept for the postmaster. A report that comes after days is of no use to anybody',
    }),
  }),
  quarantine: z.strictObject({
    retention: z
      .union([duration(HELD_LEAST), HELD_BY_CLASS])
      .prefault('30d')
      .meta({
        expected: 'a duration such as 30d, or a map of classes such as { malware: 7d, default: 30d }',
        description:
          'How long a message is kept aside, each class or all alike; then it is deleted, and its record says so',
      }),
    max_size: size()
      .prefault('10 GiB')
      .meta({
        description:
          'All content that is kept aside; at least `limits.message`. From nine tenths of it on the oldest of spam and bulk make room, and their ' +
          'records say so; where there are none left and it is reached, messages that would be kept aside are answered 452',
      }),
    digest: DIGEST.optional(),
  }),
  limits: LIMITS,
  records: z.strictObject({
    retention: duration(seconds(1)).prefault('30d'),
    connections: z
      .strictObject({ retention: duration(seconds(1)).optional(), coalesce: duration().prefault('1m') })
      .prefault({}),
    subject: z.enum(['full', 'hash', 'off']).prefault('full'),
    jsonl: z.strictObject({ path }).optional(),
  }),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).prefault('info') }),
  admin: z.strictObject({ address: text('an address with its port, such as "127.0.0.1:8025"') }),
} as const;

export const INCLUDE = names('a path with *, such as conf.d/*.yaml').max(64);

/** The JSON Schema of `postern.yaml`, for editors. */
export function installationSchema(): object {
  const { hostname, ...singles } = SINGLES;
  const whole = z
    .strictObject({
      hostname,
      listeners: z.record(z.string(), LISTENER),
      domains: z.record(z.string(), DOMAIN),
      routes: z.record(z.string(), ROUTE),
      ...optional(singles),
      signing: z.record(z.string(), SIGNING).optional(),
      include: INCLUDE.optional(),
    })
    .meta({
      title: 'postern.yaml',
      description: 'The installation: hostname, listeners, domains, routes and the rest',
    });
  return z.toJSONSchema(whole, { io: 'input' });
}

const optional = (shape: { readonly [key: string]: z.ZodType }): { [key: string]: z.ZodType } =>
  Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, schema.optional()]));
