/** What is decided by no rule and not by the wire, refusals but for one; with those of the wire (`smtp/receive/refusals.ts`) the only `builtin:` reasons there are. */
import type { Reply } from '../mail/reply.ts';

interface Builtin {
  readonly reply: Reply;
  readonly about: string;
}

export const BUILTIN = {
  'relay-denied': {
    reply: { code: 550, enhanced: '5.7.1', text: 'relaying denied: {domain} is not served here' },
    about: 'The recipient is not in a hosted domain, and the client may not relay, or there is no `default_route`.',
  },
  'login-failed': {
    reply: { code: 535, enhanced: '5.7.8', text: 'the name or the password is wrong' }, // RFC 4954 §6
    about: 'No source of users of the listener knows the name with this password.',
  },
  'login-throttled': {
    reply: { code: 454, enhanced: '4.7.0', text: 'too many wrong passwords, please try again later' }, // RFC 4954 §6
    about:
      'More wrong passwords than `limits.network_login_failures` from the network, or than `limits.login_failures` for the user, within `limits.login_window`. Nothing was looked at.',
  },
  'login-trouble': {
    reply: { code: 454, enhanced: '4.7.0', text: 'cannot check passwords now, please try again' }, // RFC 4954 §6
    about: 'A source of users does not answer, or too many log in at once. The log has the details.',
  },
  'user-suspended': {
    reply: { code: 525, enhanced: '5.7.13', text: '{user} may not send until {until}, ask your postmaster' }, // RFC 5248 §3
    about:
      'A rule or a person suspended the user (`postern suspension list`); said only to who knows its password, and to each recipient of a session that is open.',
  },
  'sender-not-own': {
    reply: {
      code: 550,
      enhanced: '5.7.1',
      text: '{user} may not send as {sender}: send as yourself, or have it allowed',
    },
    about: "The reverse-path is not the user's own address, and `senders` does not say that it may be.",
  },
  'author-not-own': {
    reply: {
      code: 550,
      enhanced: '5.7.1',
      text: '{user} may not write as {author}: write as yourself, or have it allowed',
    },
    about: "An address in From is not the user's own or cannot be read, and `senders` does not say that it may be.",
  },
  'agent-not-own': {
    reply: {
      code: 550,
      enhanced: '5.7.1',
      text: '{user} may not send as {agent}, whom {field} names: send as yourself, or have it allowed',
    },
    about:
      "An address in Sender, Resent-From or Resent-Sender is not the user's own or cannot be read, and `senders` does not say that it may be.",
  },
  'tenant-not-ours': {
    reply: {
      code: 550,
      enhanced: '5.7.1',
      text: 'relaying denied: the message does not bear the mark of a tenant served here',
    },
    about:
      'The client may relay by `relay_for`, and the message bears not exactly one X-MS-Exchange-CrossTenant-Id or X-OriginatorOrg, or one that is not in `tenants`.',
  },
  'unknown-recipient': {
    reply: { code: 550, enhanced: '5.1.1', text: '{address}: no such recipient here' },
    about: 'The recipient source of the domain does not know the address.',
  },
  'bounces-only': {
    reply: { code: 550, enhanced: '5.7.1', text: '{address} takes bounces only, with the null sender' },
    about:
      'The address is a sender that was rewritten (`srs`): only what comes back to it is passed on, and that has MAIL FROM:<> (RFC 5321 §4.5.5).',
  },
  'recipient-unsure': {
    reply: { code: 450, enhanced: '4.1.1', text: '{address}: cannot be looked up now, please try again' },
    about: 'The recipient source is stale or does not answer; nobody valid is refused for that.',
  },
  'routed-recipient': {
    reply: { code: 550, enhanced: '5.1.3', text: '{address}: no routing within a local part (% ! @) is taken here' },
    about:
      'The local part holds %, ! or @, by which a next hop might be led to relay (RFC 5321 §3.6.1, appendix F.2), and no recipient source lists exactly this address.',
  },
  'unsafe-recipient': {
    reply: { code: 550, enhanced: '5.1.3', text: '{address}: no local part that begins with - | or / is taken here' },
    about:
      'The local part begins with -, | or /, which a next hop might take for an option, a command or a file, and no recipient source lists exactly this address.',
  },
  'route-takes-no-utf8': {
    reply: { code: 550, enhanced: '5.6.7', text: '{address}: internationalized mail (SMTPUTF8) does not reach it' },
    about: 'The transaction said SMTPUTF8, and the route of the recipient is not known to take it (RFC 6531 §3.5).',
  },
  'too-large-for-recipient': {
    reply: { code: 552, enhanced: '5.3.4', text: 'message too large for its way, which takes {size} octets' },
    about:
      'The message, as announced or as it came, is larger than the route of the recipient takes (`size` of a route).',
  },
  'postmaster-rate': {
    reply: { code: 450, enhanced: '4.7.1', text: 'too many messages to this address, please try again later' },
    about: 'postmaster and abuse are exempt from the policy, so they have a rate limit of their own.',
  },
  'settings-differ': {
    reply: { code: 452, enhanced: '4.5.3', text: 'please send to this recipient in another transaction' },
    about: 'On a listener with `mixed: split`, recipients whose settings differ do not share a reply to DATA.',
  },
  'stands-for-too-many': {
    reply: { code: 452, enhanced: '4.5.3', text: 'please send to {address} in another transaction' },
    about:
      'An alias that with the other recipients of the transaction stands for more than `limits.recipients`; alone it is taken.',
  },
  'too-many-hops': {
    reply: { code: 554, enhanced: '5.4.6', text: 'too many hops: this message is in a loop' },
    about: 'More Received fields than `hops` allows (RFC 5321 §6.3).',
  },
  'store-unavailable': {
    reply: { code: 451, enhanced: '4.3.0', text: 'cannot store the message now, please try again' },
    about: 'The store could not keep the message; nothing of it was kept.',
  },
  'quarantine-full': {
    reply: { code: 452, enhanced: '4.3.1', text: 'no room to keep the message now, please try again' },
    about:
      'A rule keeps the message aside for some recipient, and the quarantine has reached `quarantine.max_size`; nothing of it was kept.',
  },
  'our-fault': {
    reply: { code: 451, enhanced: '4.3.0', text: 'cannot decide now, please try again' },
    about: 'A fault of our own. The log has the details.',
  },
  notification: {
    reply: { code: 250, enhanced: '2.0.0', text: 'queued as {id}' },
    about: 'No refusal: a notification of our own about another message, for which nobody connected.',
  },
  alarm: {
    reply: { code: 250, enhanced: '2.0.0', text: 'queued as {id}' },
    about: 'No refusal: a mail of our own that a rule asked for (`notify`), for which nobody connected.',
  },
  digest: {
    reply: { code: 250, enhanced: '2.0.0', text: 'queued as {id}' },
    about: 'No refusal: a mail of our own that tells a recipient what was held, for which nobody connected.',
  },
} as const satisfies { readonly [word: string]: Builtin };

export type BuiltinWord = keyof typeof BUILTIN;

/** The reply of a builtin refusal with its placeholders filled. */
export function builtinReply(word: BuiltinWord, fill: { readonly [name: string]: string } = {}): Reply {
  const { reply } = BUILTIN[word];
  return { ...reply, text: reply.text.replace(/\{(\w+)\}/g, (whole, name: string) => fill[name] ?? whole) };
}
