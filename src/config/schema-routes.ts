/** The keys by which an operator says where mail goes on to: `routes` and `routing` in `postern.yaml`. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { FLOW_KEYS } from './schema-flow.ts';
import { ROUTE_PRESETS, type RoutePreset } from './schema-presets.ts';
import { names, path, text } from './schema-text.ts';

// An attempt costs a connection; nobody needs a hundred a second to one host.
const RETRY_LEAST = 50;
export const RETRY = z.array(duration(RETRY_LEAST)).min(1).max(64);
export const DELAY_NOTICE = z
  .union([z.literal('never'), duration(seconds(1))])
  .meta({ expected: '`never` or a duration such as 4h' });

const NEXT_HOP = text('a host with its port, or unix: and a path');
/** So that each of sixty-four hosts can be told from its neighbour by a thousandth. */
const WEIGHT_MAX = 1000;

/** RFC 5321 §4.5.3.1.7: a host takes at least this much. */
const ROUTE_SIZE_LEAST = 64 * 1024;

export const ROUTE = z.strictObject({
  protocol: z.enum(['smtp', 'lmtp', 'maildir']).optional().meta({
    description:
      'Of the hosts, `smtp` without it; `lmtp` has an answer for each recipient (RFC 2033); `maildir` goes with `path` and no hosts',
  }),
  hosts: z
    .array(
      z
        .union([
          NEXT_HOP,
          z.strictObject({
            host: NEXT_HOP,
            weight: z
              .int()
              .min(1)
              .max(WEIGHT_MAX)
              .optional()
              .meta({ description: 'Its share with `strategy: weighted`; 1 without it' }),
          }),
        ])
        .meta({
          expected: 'a host with its port, unix: and a path, or a map with host and weight',
        }),
    )
    .min(1)
    .max(64)
    .optional()
    .meta({
      description:
        'Where it leads: names or addresses with a port, or sockets. A 4yz or no answer of one leads to the next, a 5yz is final',
    }),
  strategy: z
    .enum(['failover', 'round_robin', 'weighted'])
    .meta({
      description:
        'Which of the hosts a message begins with: the first, the next one in turn, or one by chance and weight. The others ' +
        'follow when it cannot be reached or puts the message off. Without it `failover`',
    })
    .optional(),
  fallback: z
    .array(NEXT_HOP)
    .min(1)
    .max(16)
    .meta({
      description:
        'Relays that are asked, in order, when no host could be reached, all put the message off, or DNS does not answer',
    })
    .optional(),
  source: z
    .array(text('an address of this machine'))
    .min(1)
    .max(2)
    .meta({
      description:
        'The addresses to speak from, one of IPv4, one of IPv6 or both; a family without one is not used. Without it the ' +
        'system chooses',
      examples: ['192.0.2.25'],
    })
    .optional(),
  path: path.optional(),
  mx: z
    .literal(true)
    .meta({
      expected: '`true`',
      description: "To the hosts that the recipient's domain names in DNS (RFC 5321 §5.1)",
    })
    .optional(),
  port: z.int().min(1).max(65_535).meta({ description: 'Of hosts by MX, 25 without it' }).optional(),
  preset: z
    .enum(Object.keys(ROUTE_PRESETS) as [RoutePreset, ...RoutePreset[]])
    .meta({
      description: `What is right for a next hop that many have, where this route does not say otherwise. ${Object.entries(
        ROUTE_PRESETS,
      )
        .map(([name, { words }]) => `\`${name}\`: ${words}`)
        .join('. ')}`,
    })
    .optional(),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'verified', 'dane', 'mta-sts'])
    .meta({
      description:
        'By MX `dane` without it: what the zone of the host says (RFC 7672), else the policy of the domain (MTA-STS, RFC 8461), ' +
        'else when the host can. `mta-sts` leaves the zone out. To hosts `opportunistic` without it, and `dane` wants signed records',
    })
    .optional(),
  auth: z
    .strictObject({ user: text('a user'), password_file: path.optional(), password: text('env:NAME').optional() })
    .optional()
    .meta({ description: 'Logs in by AUTH PLAIN; only with `tls: verified`' }),
  certificate: path
    .meta({ description: 'Ours, in PEM with its issuers: shown where a host asks for one in TLS; with `key`' })
    .optional(),
  key: path.meta({ description: 'Its private key, in PEM, closed to other users' }).optional(),
  retry: RETRY.optional().meta({ description: 'As `queue.retry`, for this route' }),
  expire: duration(seconds(1)).optional().meta({ description: 'As `queue.expire`, for this route' }),
  delay_notice: DELAY_NOTICE.optional().meta({ description: 'As `queue.delay_notice`, for this route' }),
  smtputf8: z
    .boolean()
    .meta({ description: 'The hosts are known to take internationalized mail (RFC 6531)' })
    .optional(),
  size: size()
    .refine((octets) => octets >= ROUTE_SIZE_LEAST, 'expected 64 KiB or more, which every host takes')
    .meta({ description: 'What the hosts say with SIZE; larger messages are refused at the edge (RFC 1870)' })
    .optional(),
  deliver: z
    .enum(['queue', 'cut_through'])
    .meta({
      description:
        'When a client hears what became of its message. `cut_through`: it waits for the next hop, `limits.cut_through` at most, ' +
        'and is told itself what is refused for good. `queue`: it hears 250 when the message is safe',
    })
    .prefault('queue'),
  refused_after_accept: z.enum(['dsn_if_verified', 'quarantine']).prefault('dsn_if_verified').meta({
    description:
      'What a host refuses after our 250: its sender hears of it where it is authenticated, trusted or verified; else, and with `quarantine` always, it is kept for the postmaster',
  }),
  ...FLOW_KEYS,
});

const MEANT = z.union([text('an address, a domain or a pattern'), names('an address, a domain or a pattern').min(1)]);

/** More than this is a table, and a policy's lists hold those. */
const ROUTING_MAX = 1000;

export const ROUTING = z
  .array(
    z.strictObject({
      recipient: MEANT.meta({
        expected:
          'an address, a domain, .example.com with all below it, a pattern such as *-news@example.com, or a list of these',
      }).optional(),
      sender: MEANT.meta({ expected: 'the same of the reverse-path; "<>" is the null one' }).optional(),
      user: MEANT.meta({ expected: 'who authenticated, with * for any letters' }).optional(),
      route: text('the name of a route'),
    }),
  )
  .max(ROUTING_MAX)
  .meta({
    description:
      'Mail that goes another way than its domain says; the first entry of which all holds decides, before `domains` and ' +
      '`default_route`, after a rule with `route:`',
  });
