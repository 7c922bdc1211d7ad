/** Every word of `postern.yaml`. What has not come yet is known here too, so that it is refused by name and never ignored. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';
import { hours, minutes, seconds } from '../mail/time.ts';
import { HELD_CLASSES, type HeldClass } from '../queue/held-class.ts';
import { DIGEST } from './schema-digest.ts';
import { LIMITS } from './schema-limits.ts';
import { RECIPIENTS } from './schema-recipients.ts';
import { DELAY_NOTICE, RETRY, ROUTE, ROUTING } from './schema-routes.ts';
import { ARC, SIGNING } from './schema-signing.ts';
import { names, path, text } from './schema-text.ts';
import { CLIENT_CERTIFICATES, RELAY_FOR, SENDERS, USER_SOURCE } from './schema-users.ts';

const ranges = names('an address or a range such as 192.0.2.0/24');

/** A client waits five minutes for the greeting (RFC 5321 §4.5.3.2.1), and checks at connect want their share of them. */
const GREET_WAIT_MAX = minutes(1);

export const LISTENER = z.strictObject({
  address: text('an address with its port, such as "0.0.0.0:25" or "[::]:25"'),
  policy: text('the name of a policy: `inbound` for policies/inbound.yaml').prefault('inbound'),
  tls: z.enum(['none', 'opportunistic', 'implicit', 'required']).optional().meta({
    description:
      '`opportunistic`: STARTTLS is offered; `required`: no mail before it; `implicit`: TLS from the first octet, as on port 465 (RFC 8314). Without it `required` where users must log in, else `opportunistic`, or `none` where there is no certificate for those who relay',
  }),
  auth: z
    .enum(['none', 'optional', 'required'])
    .meta({
      description:
        'Users log in, over TLS only. `optional`: who does not is a stranger, or comes from a trusted network',
    })
    .optional(),
  users: names('the name of a source of users')
    .min(1)
    .meta({ description: 'Which of `users`, asked in this order; all when left out' })
    .optional(),
  client_certificates: CLIENT_CERTIFICATES.meta({ description: 'Clients trusted by their certificates' }).optional(),
  relay_for: RELAY_FOR.meta({
    description: 'Providers that send for you, by certificate, tenant and domain',
  }).optional(),
  trusted_networks: ranges.prefault([]).meta({
    description: 'Who comes from there relays to anybody without logging in. No shared range of a cloud provider',
  }),
  xclient_from: ranges.prefault([]),
  proxy_from: ranges.prefault([]),
  greet_wait: duration()
    .refine((span) => span <= GREET_WAIT_MAX, 'expected 1m or less: honest clients give up')
    .prefault('0s'),
  newline: z.enum(['strict', 'normalize']).prefault('strict'),
  mixed: z.enum(['quarantine', 'dsn_if_verified', 'split']).prefault('quarantine'),
});

const SETTING = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))]);

export const DOMAIN = z.strictObject({
  route: text('the name of a route').optional(),
  recipients: RECIPIENTS.optional(),
  alias_of: text('a hosted domain')
    .meta({
      description: 'Every address of this domain is the one of that hosted domain; instead of route and recipients',
    })
    .optional(),
  aliases: z
    .union([
      z.strictObject({ file: path }),
      z.strictObject({ inline: z.record(z.string(), z.union([text('an address'), names('an address').min(1)])) }),
    ])
    .meta({
      expected: '`file:` and a path, or `inline:` and a map such as { sales: [alice, bob@example.net] }',
      description: 'Addresses that stand for others, asked before the recipients',
    })
    .optional(),
  catch_all: text('an address')
    .meta({ description: 'Who gets what is for nobody: spam, mostly. Without it the unknown are refused' })
    .optional(),
  subaddress: z
    .enum(['keep', 'strip'])
    .meta({ description: '`strip`: bob+lists@ goes on as bob@ (RFC 5233), for stores that do not know tags' })
    .prefault('keep'),
  settings: z.record(z.string(), SETTING).prefault({}),
});

/** What is held a shorter time is gone before a digest or a person can tell of it. */
const HELD_LEAST = hours(1);
const HELD_BY_CLASS = z.strictObject({
  ...(Object.fromEntries(HELD_CLASSES.map((name) => [name, duration(HELD_LEAST).optional()])) as {
    readonly [name in HeldClass]: z.ZodOptional<ReturnType<typeof duration>>;
  }),
  default: duration(HELD_LEAST).prefault('30d'),
});

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
export const MAPS = {
  listeners: LISTENER,
  domains: DOMAIN,
  routes: ROUTE,
  signing: SIGNING,
  users: USER_SOURCE,
  senders: SENDERS,
} as const;

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
  routing: ROUTING,
  srs: z.strictObject({ domain: text('a hosted domain'), keys_file: path }).meta({
    description:
      'Mail from outside that is sent on to other domains (aliases, redirect) leaves with a sender of ours, by which bounces find back',
  }),
  arc: ARC,
  dns: z.strictObject({
    servers: names('an address, with or without a port').min(1).max(16).prefault(['127.0.0.1:53']),
    timeout: duration(1).prefault('5s'),
  }),
  services: SERVICES,
  policies: path,
  store: z.strictObject({ path: path.prefault('var/postern'), min_free: size().prefault('1 GiB') }),
  queue: z.strictObject({
    retry: RETRY.prefault(['5m', '10m', '20m', '40m', '1h', '2h', '4h']).meta({
      description: 'Waits between attempts, a tenth more or less by chance; the last repeats',
    }),
    // Four to five days (RFC 5321 §4.5.4.1).
    expire: duration(seconds(1))
      .prefault('5d')
      .meta({ description: 'How long a message is tried; then its sender hears that it failed' }),
    delay_notice: DELAY_NOTICE.prefault('4h').meta({
      description: 'When a sender who may be told hears, once, that its message still waits; or `never`',
    }),
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
      routes: z.record(z.string(), ROUTE).meta({ description: 'Ways out, by a name of your own' }),
      ...optional(singles),
      signing: z
        .record(z.string(), SIGNING)
        .optional()
        .meta({ description: 'Keys that sign (DKIM), by the domain of the author' }),
      users: z
        .record(z.string(), USER_SOURCE)
        .optional()
        .meta({ description: 'Sources of users who log in, by a name of your own' }),
      senders: z
        .record(z.string(), SENDERS)
        .optional()
        .meta({ description: 'What a user may send as beside itself: addresses, domains, or "*"' }),
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
