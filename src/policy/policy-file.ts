/** The shape of a policy file, part by part: one definition for loading, JSON Schema and the errors of both. */
import { z } from 'zod';
import { duration } from '../language/units.ts';
import { days, minutes } from '../mail/time.ts';
import { STAGES } from './stage.ts';

const NAME = z
  .string()
  .regex(/^[a-z_][a-z0-9_]*$/, 'expected a name of small letters, digits and _, such as spam_hold');
const RULE_NAME = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected a name such as dmarc-refuse');
const TEXT = z.string().min(1).max(1000);
const EXPRESSION = z.string().min(1).describe('an expression over facts (CEL)');

const MODE = z.enum(['enforce', 'monitor', 'soft']);
const QUARANTINE_CLASS = z.enum(['spam', 'bulk', 'policy', 'spoof', 'malware', 'attachment', 'mixed']);

export const SETTING = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('number'),
    default: z.number(),
    min: z.number().optional(),
    max: z.number().optional(),
    about: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('bool'), default: z.boolean(), about: z.string().optional() }),
  z.strictObject({
    type: z.literal('string'),
    default: z.string(),
    values: z.array(z.string()).min(1).optional(),
    about: z.string().optional(),
  }),
]);
export type Setting = z.output<typeof SETTING>;

export const LIST = z
  .strictObject({
    kind: z.enum(['network', 'domain', 'address', 'pattern', 'word']),
    file: z.string().min(1).optional(),
    values: z.array(z.string()).optional(),
    about: z.string().optional(),
  })
  .refine((list) => (list.file === undefined) !== (list.values === undefined), {
    error: 'a list has either a file or values: expected `file: lists/name.txt` or `values: [..]`, one of them',
  });

const enhanced = (first: '4' | '5') =>
  z
    .string()
    .regex(new RegExp(`^${first}\\.\\d{1,3}\\.\\d{1,3}$`), `expected an enhanced status code such as ${first}.7.1`);

/** A reply in full (RFC 5321 §4.2, RFC 3463): first digit of code and enhanced code agree. */
const replyOf = (first: '4' | '5', more: z.ZodRawShape = {}) =>
  z.strictObject({
    code: z
      .int()
      .refine((code) => Math.floor(code / 100) === Number(first), {
        error: `${first === '5' ? 'reject' : 'defer'} answers ${first}yz: expected a code from ${first}00 to ${first}99`,
      })
      .meta({ minimum: Number(`${first}00`), maximum: Number(`${first}99`) }),
    enhanced: enhanced(first),
    text: TEXT,
    help: TEXT.optional(),
    ...more,
  });
const SPEAK = { speak: z.enum(['now', 'rcpt']).optional() };
const refusal = (first: '4' | '5') => z.union([z.strictObject({ use: z.string(), ...SPEAK }), replyOf(first, SPEAK)]);
export interface Refusal {
  readonly use?: string;
  readonly code?: number;
  readonly enhanced?: string;
  readonly text?: string;
  readonly help?: string;
  readonly speak?: 'now' | 'rcpt';
}

export const REPLY = z.strictObject({
  code: z.int().min(400).max(599),
  enhanced: z.string().regex(/^[45]\.\d{1,3}\.\d{1,3}$/, 'expected an enhanced status code such as 5.7.1'),
  text: TEXT,
  help: TEXT.optional(),
});
export type NamedReply = z.output<typeof REPLY>;

export const WHEN = z.union([
  EXPRESSION,
  z.strictObject({
    all: z.array(EXPRESSION).min(1).optional(),
    any: z.array(EXPRESSION).min(1).optional(),
    none: z.array(EXPRESSION).min(1).optional(),
  }),
]);

/** Field names that only we, or the message's author, may write. */
const RESERVED_FIELDS =
  /^(received|return-path|authentication-results|dkim-signature|arc-.*|from|to|cc|date|message-id|subject|content-.*|mime-version)$/i;

/** Fields without which the message is none, or that tell where it came from (RFC 5321 §4.4), or how to read it. */
const KEPT_FIELDS = /^(from|date|subject|received|return-path|mime-version|content-.*|arc-.*)$/i;

/** RFC 5322 §2.2: printable ASCII without the colon. */
const fieldName = (example: string) =>
  z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,76}$/, `expected the name of a header field, such as ${example}`);

/** A word after the last dot of a file name, as it is compared: small letters, no dot. */
const EXTENSION = z
  .string()
  .regex(/^[a-z0-9_-]{1,16}$/, 'expected an extension in small letters without its dot, such as exe');
const STRIP = z.strictObject({
  extensions: z
    .union([
      z.array(EXTENSION).min(1),
      z.string().regex(/^lists\./, 'expected a list of kind word, such as lists.blocked_extensions'),
    ])
    .describe('which: file name extensions, or a list of kind word; all attachments when left out')
    .optional(),
  note: TEXT.describe('stands in the note that takes the place of what was removed').optional(),
  keep: z
    .boolean()
    .describe('keep the message as it came in quarantine, class attachment; true when left out')
    .optional(),
});
export type StripWritten = true | null | z.output<typeof STRIP>;

/** Shorter than a person takes to read of it. */
const SUSPEND_LEAST = minutes(1);
/** Who should never send again is taken out of the users. */
const SUSPEND_MAX = days(365);

/** Every action that may be written today, by its word. */
export const ACTIONS = {
  reject: refusal('5'),
  defer: refusal('4'),
  quarantine: z.strictObject({ class: QUARANTINE_CLASS, reason: TEXT }),
  discard: z.strictObject({ reason: TEXT }),
  hold: z.strictObject({ reason: TEXT }),
  accept: z.union([z.literal(true), z.null(), z.strictObject({})]),
  allow: z.strictObject({ skip: z.array(z.string()).min(1) }),
  add_header: z.strictObject({
    name: fieldName('X-Spam-Score').refine(
      (name) => !RESERVED_FIELDS.test(name),
      'this field is not for rules to write: expected one such as X-Spam-Score',
    ),
    value: TEXT,
  }),
  remove_header: fieldName('X-Spam-Flag').refine(
    (name) => !KEPT_FIELDS.test(name),
    'this field is not for rules to remove: expected one such as X-Spam-Flag',
  ),
  tag_subject: z.string().min(1).max(100),
  strip_attachments: z.union([z.literal(true), z.null(), STRIP]),
  redirect: z.string().min(1).max(320),
  bcc: z.string().min(1).max(320),
  score: z.number(),
  route: z.string().min(1),
  note: TEXT,
  suspend: z.strictObject({
    user: z.literal('client.user').describe('who logged in: nobody else can be suspended by what a message says'),
    for: duration(SUSPEND_LEAST).refine((span) => span <= SUSPEND_MAX, 'expected 365d or less'),
  }),
  notify: z.strictObject({
    to: z.string().min(1).max(320).describe('a whole address; the postmaster when left out').optional(),
    text: TEXT,
  }),
} as const;

/** Actions of the language that this version does not know how to carry out. */
export const LATER_ACTIONS = ['delay'] as const;

const actionKeys = Object.fromEntries(Object.entries(ACTIONS).map(([name, schema]) => [name, schema.optional()])) as {
  readonly [name in keyof typeof ACTIONS]: z.ZodOptional<(typeof ACTIONS)[name]>;
};

export const RULE = z.strictObject({
  name: RULE_NAME,
  group: RULE_NAME.optional(),
  about: z.string().optional(),
  mode: MODE.optional(),
  when: WHEN.optional(),
  ...actionKeys,
});
/** As `RULE`, with the actions of later versions let through so that they are refused by name. */
export const RULE_OF_ANY_VERSION = RULE.extend(
  Object.fromEntries(LATER_ACTIONS.map((name) => [name, z.unknown().optional()])),
);

const byStage = <T extends z.ZodType>(item: T) =>
  z.strictObject(Object.fromEntries(STAGES.map((stage) => [stage, z.array(item).nullable().optional()])));

/** The reserved words of every check (docs/policy.md §4). */
export const CHECK_WORDS = {
  as: NAME.optional(),
  after: z.array(NAME).optional(),
  when: EXPRESSION.optional(),
  timeout: duration(1).optional(),
  on_error: z
    .union([
      z.enum(['skip', 'defer', 'quarantine']),
      // biome-ignore lint/suspicious/noThenProperty: the word of the language, never a promise.
      z.strictObject({ defer: z.strictObject({ for: duration(1), then: z.literal('quarantine') }) }),
    ])
    .optional(),
};
export type OnErrorWritten = z.output<typeof CHECK_WORDS.on_error>;

const VALUE = z.union([z.string(), z.number(), z.boolean()]);
export const TABLE = z.record(z.string(), VALUE);

/** The top of the file; the parts are held against their own shapes, so that one mistake hides no other. */
export const POLICY_KEYS = {
  policy: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected a name such as inbound'),
  about: z.string().optional(),
  mode: MODE.optional(),
  otherwise: z.enum(['accept', 'defer']).optional(),
  include: z.array(z.string()).optional(),
};
export const POLICY_PARTS = {
  settings: z.record(NAME, SETTING),
  tables: z.record(NAME, TABLE),
  define: z.record(NAME, EXPRESSION),
  lists: z.record(NAME, LIST),
  checks: byStage(z.record(z.string(), z.unknown())),
  rules: byStage(RULE),
  replies: z.record(RULE_NAME, REPLY),
} as const;
export const POLICY_TOP = z.strictObject({
  ...POLICY_KEYS,
  ...(Object.fromEntries(Object.keys(POLICY_PARTS).map((part) => [part, z.unknown().optional()])) as {
    readonly [part in keyof typeof POLICY_PARTS]: z.ZodOptional<z.ZodUnknown>;
  }),
});
export const NAMED = z.record(z.string(), z.unknown()).nullable();
export const STAGED = byStage(z.unknown()).nullable();

const SETTING_VALUES = z.record(NAME, VALUE);
/** A file that `include:` brings in: what one customer may say, and nothing else (docs/policy.md §6). */
export const INCLUDED = z.strictObject({
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'expected a name such as acme')
    .optional(),
  domains: z.union([z.array(z.string()), z.record(z.string(), SETTING_VALUES.nullable())]).optional(),
  settings: SETTING_VALUES.optional(),
  recipients: z.record(z.string(), SETTING_VALUES).optional(),
  lists: z.record(NAME, LIST).optional(),
});
