/** Facts that no check states: what the edge itself sees. The table below is their only list: types, reference and errors follow from it. */
import { z } from 'zod';
import type { FactScope } from './facts.ts';
import type { Stage } from './stage.ts';

/** A root of facts, known from `stage` on; `z` shapes give types, enums, meaning and example. */
export interface EdgeRoot {
  readonly root: string;
  readonly scope: FactScope;
  /** An object of facts, or one value (`listener`, `now`). Each fact's stage is its `.meta({ stage })`, else the root's. */
  readonly shape: z.ZodType;
  readonly stage: Stage;
}

const text = (about: string, example: string, more: object = {}) => z.string().meta({ about, example, ...more });
const flag = (about: string, more: object = {}) => z.boolean().meta({ about, example: true, ...more });
const count = (about: string, example: number, more: object = {}) => z.number().meta({ about, example, ...more });

export const EDGE_ROOTS: readonly EdgeRoot[] = [
  {
    root: 'client',
    scope: 'session',
    stage: 'connect',
    shape: z.object({
      ip: text('address of the client, IPv4-mapped ones as IPv4', '192.0.2.1'),
      port: count('its port', 40123),
      network: text('its /24 or /64', '192.0.2.0/24'),
      name: text("its name confirmed forward (the check rdns), or ''", 'mail.example.com', { needs: 'rdns' }),
      private: flag('a private, loopback or link-local address'),
      user: text("who authenticated, or ''", 'alice@example.com', { stage: 'mail' }),
      trusted: flag("inside the listener's trusted_networks", { stage: 'mail' }),
    }),
  },
  { root: 'listener', scope: 'session', stage: 'connect', shape: text('name of the listener', 'mx') },
  { root: 'now', scope: 'transaction', stage: 'connect', shape: count('seconds since 1970', 1795305600) },
  { root: 'early_talker', scope: 'session', stage: 'connect', shape: flag('the client spoke before the greeting') },
  {
    root: 'tls',
    scope: 'session',
    stage: 'helo',
    shape: z.object({
      active: flag('the session is encrypted'),
      version: text("'' when not active", 'TLSv1.3'),
      cipher: text("'' when not active", 'TLS_AES_256_GCM_SHA384'),
      client_verified: flag('the client showed a certificate that we trust'),
      client_name: text("the name in it, or ''", 'relay.example.com'),
    }),
  },
  {
    root: 'mail',
    scope: 'transaction',
    stage: 'mail',
    shape: z.object({
      address: text("reverse-path, '' when null", 'alice@example.com'),
      local: text('its local part', 'alice'),
      domain: text('its domain as A-label', 'example.com'),
      null: flag('the null reverse-path'),
      size: count('SIZE as declared, 0 when not', 4096),
      utf8: flag('SMTPUTF8 was asked for'),
    }),
  },
  {
    root: 'recipient',
    scope: 'recipient',
    stage: 'rcpt',
    shape: z.object({
      address: text('forward-path', 'bob+list@example.com'),
      local: text('its local part', 'bob+list'),
      domain: text('its domain as A-label', 'example.com'),
      tag: text("what follows the + in the local part, or ''", 'list'),
      hosted: flag('the domain is one of ours'),
      result: z
        .enum(['known', 'unknown', 'unsure'])
        .meta({ about: 'what the recipient source says', example: 'known' }),
      source: text("which source said it, or ''", 'file'),
      answer: text(
        "how ldap, sql or callout came to it (asked, remembered, last_known, on_error; assumed in a rehearsal), or ''",
        'asked',
      ),
      route: text('name of the route it takes', 'store'),
    }),
  },
  { root: 'tenant', scope: 'recipient', stage: 'rcpt', shape: text("tenant of the recipient's domain, or ''", 'acme') },
  {
    root: 'from',
    scope: 'transaction',
    stage: 'data',
    shape: z.object({
      address: text("address of the From field, '' when there is not exactly one", 'alice@example.com'),
      domain: text('its domain as A-label', 'example.com'),
      display: text('its display name, decoded', 'Alice'),
      count: count('how many addresses From holds; beside one, parts that might be one to others count too', 1),
      verified: flag('DMARC-aligned DKIM or SPF passed (the check dmarc)', { needs: 'dmarc' }),
    }),
  },
  {
    root: 'message',
    scope: 'transaction',
    stage: 'data',
    shape: z.object({
      size: count('octets', 4096),
      id: text("Message-ID, or ''", '<1@example.com>'),
      subject: text('Subject, decoded', 'Hello'),
      date: text("Date as written, or ''", 'Sun, 22 Nov 2026 10:00:00 +0000'),
      hops: count('Received fields', 2),
    }),
  },
  {
    root: 'recipients',
    scope: 'transaction',
    stage: 'data',
    shape: z.object({ count: count('recipients that were accepted at RCPT', 1) }),
  },
  {
    root: 'total',
    scope: 'recipient',
    stage: 'connect',
    shape: z.object({ score: count('sum of the score actions so far', 2.5) }),
  },
];
