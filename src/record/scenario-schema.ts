/** What may stand in a scenario: one schema for a line of `explain --batch`, a test case's `given`, and the reference. */
import { z } from 'zod';
import type { Scenario } from './scenario.ts';

const text = (about: string, example: string) =>
  z
    .string()
    .meta({ description: about, examples: [example] })
    .optional();

// Whether the zones make sense is for their own reader to say, in its own words.
const zones = z
  .record(z.string(), z.unknown())
  .meta({ description: 'a name to a list of one-key maps, the key a record type, or the words TIMEOUT and SERVFAIL' });

export const scenarioSchema = z.strictObject({
  listener: text('name of the listener; without it the only one, or the first', 'mx'),
  client_ip: text('address of the client', '192.0.2.10'),
  client_port: z.number().int().min(0).max(65535).optional(),
  client_name: text('its name, as a trusted upstream would give it; else the check rdns finds it', 'mail.example.net'),
  helo: text('what it says at EHLO', 'mail.example.net'),
  mail_from: text('reverse-path, <> or empty for the null one', 'alice@example.net'),
  rcpt: z
    .array(z.string())
    .meta({ description: 'forward-paths, in order', examples: [['bob@example.com']] })
    .optional(),
  mail_parameters: text('what stands behind the path of MAIL', 'SIZE=1000 REQUIRETLS'),
  tls: z
    .boolean()
    .meta({
      description:
        'the session is encrypted; left out: where the listener demands it, or somebody logs in or shows a certificate',
    })
    .optional(),
  client_certificate: text("the name in the client's certificate, which is valid", 'mail.protection.outlook.com'),
  auth_user: text('who authenticated', 'alice@example.com'),
  auth_addresses: z
    .array(z.string())
    .meta({
      description: "the user's own addresses, as a directory would give them",
      examples: [['sales@example.com']],
    })
    .optional(),
  now: z
    .union([z.string(), z.number()])
    .meta({ description: 'the time of it all: ISO 8601, or seconds since 1970', examples: ['2026-11-22T10:00:00Z'] })
    .optional(),
  dns: z
    .union([z.string(), zones])
    .meta({ description: 'a zone file, or the zones themselves; nothing else is asked', examples: ['zones.yaml'] })
    .optional(),
  message: text('path of a message', 'messages/ham.eml'),
  raw: text('the message itself; lines that end with LF alone get CRLF', 'Subject: hello\n\nhello\n'),
  state: z
    .enum(['passed', 'fresh', 'live'])
    .meta({
      description: 'scratch state to start from: greylist known and rates zero, nothing, or a copy of the real one',
    })
    .optional(),
  answers: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .meta({
      description: 'facts of checks that ask a daemon, by instance',
      examples: [{ clamav: { result: 'clean' } }],
    })
    .optional(),
  all_stages: z.boolean().meta({ description: 'go on after a refusal' }).optional(),
  live: z.boolean().meta({ description: 'ask daemons and the configured DNS for real' }).optional(),
});

/** Undefined keys are left out, as the type wants it. */
export const asScenario = (parsed: z.output<typeof scenarioSchema>): Scenario => {
  const given = Object.entries(parsed).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Scenario;
};
