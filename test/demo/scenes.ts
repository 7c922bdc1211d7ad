/** The play: who comes to the gate with what, and what must become of it. */

import type { Millis } from '../../src/mail/time.ts';
import { minutes } from '../../src/mail/time.ts';

export type Ending = 'delivered' | 'refused' | 'put off' | 'quarantined';

export interface Scene {
  readonly title: string;
  readonly listener: 'mx' | 'smarthost';
  /** Time that passes before it; nobody waits for it. */
  readonly after?: Millis;
  readonly ip: string;
  readonly helo: string;
  /** '' for the null reverse-path. */
  readonly from: string;
  /** A file of fixtures/messages. */
  readonly message: string;
  /** What the results alone do not tell of why it was taken. */
  readonly remark?: string;
  /** What must become of the message, by recipient: the ending, and who decided. */
  readonly to: { readonly [recipient: string]: readonly [Ending, reason: string] };
}

const FRIEND = { listener: 'mx', ip: '192.0.2.10', helo: 'mail.friend.example', from: 'ann@friend.example' } as const;
const SHOP = {
  listener: 'mx',
  helo: 'nobody.shop.example',
  from: 'offers@shop.example',
  message: 'promotion.eml',
} as const;
const CROOK = { listener: 'mx', ip: '203.0.113.66', helo: 'out.quickmail.example' } as const;

export const SCENES: readonly Scene[] = [
  {
    title: 'Plain mail from a neighbour',
    listener: 'mx',
    ip: '192.0.2.5',
    helo: 'mail.neighbour.example',
    from: 'nell@neighbour.example',
    message: 'ham-plain.eml',
    to: { 'alice@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: "A friend's mail, signed (DKIM passes)",
    ...FRIEND,
    message: 'ham-signed.eml',
    to: { 'alice@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: 'A bank that the bank did not write (DMARC)',
    ...CROOK,
    from: 'service@bank.example',
    message: 'spoof-bank.eml',
    to: { 'alice@example.com': ['refused', 'rule:dmarc-refuse'] },
  },
  {
    title: 'The same, with one sign less: set aside',
    ...CROOK,
    from: 'dd@quickmail.example',
    message: 'spoof-bank.eml',
    to: { 'dave@example.com': ['quarantined', 'rule:dmarc-hold'] },
  },
  {
    title: '"The director" writes from outside',
    ...CROOK,
    from: 'dd@quickmail.example',
    message: 'spoof-boss.eml',
    to: { 'carol@example.com': ['refused', 'rule:own-domain-from-outside'] },
  },
  {
    title: 'A script in an archive',
    listener: 'mx',
    ip: '192.0.2.5',
    helo: 'mail.neighbour.example',
    from: 'nell@neighbour.example',
    message: 'invoice-script.eml',
    to: { 'alice@example.com': ['quarantined', 'rule:dangerous-file'] },
  },
  {
    title: 'A mailing list that broke the signature',
    listener: 'mx',
    ip: '192.0.2.20',
    helo: 'out.lists.example',
    from: 'rowing-bounces@lists.example',
    message: 'list-post.eml',
    remark: 'from a server in lists/list_servers.txt: lists change mail honestly',
    to: { 'alice@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: 'A client on a blocklist',
    ...SHOP,
    ip: '203.0.113.99',
    to: { 'alice@example.com': ['refused', 'rule:listed-client'] },
  },
  {
    title: 'The same client writes to postmaster',
    ...SHOP,
    ip: '203.0.113.99',
    remark: 'postmaster hears from everybody',
    to: { 'postmaster@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: 'A recipient who is not here',
    ...FRIEND,
    message: 'ham-signed.eml',
    to: { 'albert@example.com': ['refused', 'builtin:unknown-recipient'] },
  },
  {
    title: 'A first contact with a weak sign (greylisting)',
    ...SHOP,
    ip: '192.0.2.60',
    to: { 'info@example.org': ['put off', 'rule:greylisted'] },
  },
  {
    title: 'It comes back six minutes later',
    after: minutes(6),
    ...SHOP,
    ip: '192.0.2.60',
    remark: 'it tried again as mail servers do',
    to: { 'info@example.org': ['delivered', 'otherwise'] },
  },
  {
    title: 'One message for two, who differ in patience',
    ...SHOP,
    ip: '203.0.113.5',
    to: { 'alice@example.com': ['delivered', 'otherwise'], 'bob@example.net': ['quarantined', 'rule:spam'] },
  },
  {
    title: "A partner's signed mail from an odd machine",
    listener: 'mx',
    ip: '203.0.113.88',
    helo: 'nobody.partner.example',
    from: 'orders@partner.example',
    message: 'partner.eml',
    remark: 'in lists/partners.txt: not weighed for spam',
    to: { 'alice@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: 'A bounce, from nobody',
    listener: 'mx',
    ip: '192.0.2.5',
    helo: 'mail.neighbour.example',
    from: '',
    message: 'bounce.eml',
    to: { 'alice@example.com': ['delivered', 'otherwise'] },
  },
  {
    title: 'A stranger who would relay through us',
    ...FRIEND,
    message: 'ham-signed.eml',
    to: { 'someone@elsewhere.example': ['refused', 'builtin:relay-denied'] },
  },
  {
    title: 'A sender whose DNS is down',
    listener: 'mx',
    ip: '192.0.2.70',
    helo: 'mx.silent.example',
    from: 'una@silent.example',
    message: 'unanswered.eml',
    to: { 'alice@example.com': ['put off', 'rule:dmarc-undecidable'] },
  },
  {
    title: 'Alice answers, from our own network',
    listener: 'smarthost',
    ip: '10.1.2.3',
    helo: 'desk.example.com',
    from: 'alice@example.com',
    message: 'outgoing.eml',
    remark: 'a trusted network may send anywhere',
    to: { 'ann@friend.example': ['delivered', 'otherwise'] },
  },
];
