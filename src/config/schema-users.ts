/** Words of `postern.yaml` about who may send: users, what they may send as, certificates of clients. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { seconds } from '../mail/time.ts';
import { path, text } from './schema-text.ts';

const names = (expected: string, most = 10_000) => z.array(text(expected)).min(1).max(most);

/** Where passwords of users are known. */
export const USER_SOURCE = z.union([
  z.strictObject({
    file: path.meta({ description: 'One user a line, as `postern passwd` writes it; read again by itself' }),
  }),
  z.strictObject({
    ldap: z.strictObject({
      url: z
        .union([
          text('an address such as "ldaps://ldap.internal"'),
          names('an address such as "ldaps://ldap.internal"', 16),
        ])
        .meta({
          expected: 'an address such as "ldaps://ldap.internal", or a list of them',
          description: 'Of a list the next is asked when one does not answer; the one that answered last is the first',
        }),
      tls: z.enum(['required', 'none']).prefault('required').meta({
        description: '`required`: ldaps://, or ldap:// with StartTLS. `none` is for a server on this machine',
      }),
      ca_file: path
        .meta({ description: 'Who signs its certificate, in PEM; the system says where left out' })
        .optional(),
      base: text('where the search starts'),
      filter: text('a filter with {user}')
        .prefault('(uid={user})')
        .meta({ description: '{user} is what the client calls itself, escaped (RFC 4515)' }),
      name: text('an attribute, such as uid').optional().meta({
        description:
          'The attribute by whose one value a user is known (`senders`, suspension, `user_behaviour`), whatever it typed; left out, the one that `filter` holds {user} against',
      }),
      addresses: names('an attribute, such as mail', 10)
        .optional()
        .meta({ description: "Attributes that hold the user's own addresses, which it may then send as" }),
      bind_dn: text('who searches').optional(),
      password_file: path.optional(),
      password: text('env:NAME').optional(),
      timeout: duration(seconds(1)).prefault('5s').meta({
        description: 'How long one login may wait for the directory; of several addresses each has its share',
      }),
    }),
  }),
]);

/** What one user may send as. */
export const SENDERS = z.array(text('an address, a domain, or "*" for anything')).max(10_000);

export const CLIENT_CERTIFICATES = z
  .strictObject({
    ca: path
      .meta({ description: 'Certificates in PEM of an authority of your own: whoever it signed for is trusted' })
      .optional(),
    names: names('a name in the certificate, such as app.internal')
      .meta({ description: 'Of those the authority signed for, only these' })
      .optional(),
    fingerprints: names('SHA-256 of a certificate, 64 hexadecimal digits')
      .meta({ description: 'Certificates trusted by themselves, whoever signed them' })
      .optional(),
  })
  .refine((given) => given.ca !== undefined || given.fingerprints !== undefined, {
    error: 'say who is trusted: expected `ca:` with a file, or `fingerprints:` with certificates',
  })
  .refine((given) => given.names === undefined || given.ca !== undefined, {
    error: '`names` chooses among those an authority signed for: expected `ca:` with it',
  });

export const RELAY_FOR = z
  .array(
    z.strictObject({
      certificate: text('the name in its certificate, such as mail.protection.outlook.com').meta({
        description: 'Verified against the public authorities. Shared by all its customers, so it alone opens nothing',
      }),
      tenants: names('a tenant id, or the domain of X-OriginatorOrg', 100).meta({
        description: 'Which of its customers you are: X-MS-Exchange-CrossTenant-Id or X-OriginatorOrg of each message',
      }),
      domains: names('a domain of yours', 1000).meta({ description: 'Domains of the reverse-path it may send from' }),
    }),
  )
  .min(1)
  .max(16);
