/** What rules want done beside the message: a user suspended, somebody told. Done whatever becomes of the message itself. */

import { parseMailbox } from '../mail/address.ts';
import { mailDate } from '../mail/date.ts';
import { encodeWords, isPlainText } from '../mail/encode-words.ts';
import { quotedPrintable } from '../mail/quoted-printable.ts';
import { hours } from '../mail/time.ts';
import type { Order } from '../policy/disposition.ts';
import { suspend } from './auth/suspension.ts';
import { ownMail } from './own-mail.ts';
import { OURSELVES, routeTo } from './routing.ts';
import type { SessionState } from './session-state.ts';
import type { TransactionState } from './transaction.ts';

/** Does not reject: what cannot be done is told in the log, and holds nobody's mail up. */
export async function carryOutOrders(s: SessionState, tx: TransactionState): Promise<void> {
  const all = [tx.carry, ...tx.recipients.map(({ carry }) => carry)].flatMap(({ modifications }) => modifications);
  const orders = new Map<string, Order>();
  for (const one of all) if (one.kind === 'suspend' || one.kind === 'notify') orders.set(`${one.kind} ${one.by}`, one);
  for (const order of orders.values())
    try {
      await carryOut(s, tx, order);
    } catch (error) {
      s.world.log.error('order.failed', { id: tx.id, order: order.kind, by: order.by, error: String(error) });
    }
}

async function carryOut(s: SessionState, tx: TransactionState, order: Order): Promise<void> {
  switch (order.kind) {
    case 'suspend': {
      // A trusted network has no user; its rules hold, and nobody else is shut out for it.
      if (s.user === '') return;
      const now = s.world.clock.now();
      const wish = { user: s.user, since: now, until: now + order.span, by: order.by, why: conditionOf(s, order.by) };
      const { until } = await suspend(s.world.state, s.world.queue, { ...wish, recordId: tx.id });
      s.world.log.warn('user.suspended', {
        id: tx.id,
        user: s.user,
        by: order.by,
        until: new Date(until).toISOString(),
      });
      return;
    }
    case 'notify':
      return notify(s, tx, order);
  }
}

const conditionOf = ({ policy }: SessionState, by: string): string =>
  (policy.rules.find(({ name }) => `rule:${name}` === by)?.condition ?? '').slice(0, WHY_MAX);
const WHY_MAX = 300; // characters

const SPACE = 'notified';
/** One mail a rule and user in so long: a flood of messages is no flood of alarms. */
const QUIET = hours(1);

async function notify(
  s: SessionState,
  tx: TransactionState,
  { to, text, by }: Order & { kind: 'notify' },
): Promise<void> {
  const { world, current } = s;
  const { installation } = current;
  const key = `${by} ${s.user === '' ? s.client.ip : s.user}`;
  if ((await world.state.hit(SPACE, key, tx.at, QUIET, 1)) > 1) return;
  world.log.warn('rule.notifies', { id: tx.id, by, text });
  const address = parseMailbox(to === '' ? installation.postmaster : to, true);
  // A rehearsal tells nobody.
  if (world.rehearsal !== undefined || address.kind === 'bad') return;
  if (routeTo(address.value, OURSELVES, installation) === '') return;
  const id = world.newId();
  const at = world.clock.now();
  const writer = world.content.create();
  writer.write(Buffer.from(compose(s, tx, { id, at, to: address.value.address, text, by })));
  const content = await writer.finish();
  try {
    const { record, entry } = ownMail(
      {
        id,
        at,
        to: address.value,
        from: `MAILER-DAEMON@${installation.hostname}`,
        kind: 'alarm',
        subject: `${by} about ${tx.id}`,
        why: `${by} about ${tx.id}`,
        eightBit: false,
      },
      content,
      installation,
    );
    await world.queue.admit({ record, events: [], content, entries: [entry], quarantine: [] });
  } catch (error) {
    await world.content.discard(content);
    throw error;
  }
}

interface Alarm {
  readonly id: string;
  readonly at: number;
  readonly to: string;
  readonly text: string;
  readonly by: string;
}

function compose(s: SessionState, tx: TransactionState, { id, at, to, text, by }: Alarm): string {
  const { hostname } = s.current.installation;
  const subject = `${by}: ${text}`.slice(0, SUBJECT_MAX);
  const lines = [
    text,
    '',
    `Rule:    ${by.replace(/^rule:/, '')} of the policy ${s.policy.name}`,
    `User:    ${s.user === '' ? 'none' : s.user}`,
    `Client:  ${s.client.ip} at the listener ${s.listener.name}`,
    `Record:  postern trace ${tx.id}`,
    ...(s.user === ''
      ? []
      : [`Held:    postern queue list --sender ${tx.path.kind === 'null' ? s.user : tx.path.mailbox.address}`]),
    ...(s.user === '' ? [] : [`Lift:    postern suspension lift ${s.user}`]),
    '',
    'One such mail an hour for each rule and user.',
  ];
  return [
    `From: "Mail gateway ${hostname}" <MAILER-DAEMON@${hostname}>`,
    `To: <${to}>`,
    `Subject: ${isPlainText(subject) ? subject : encodeWords(subject)}`,
    `Date: ${mailDate(at)}`,
    `Message-ID: <${id}@${hostname}>`,
    'Auto-Submitted: auto-generated', // RFC 3834 §5
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    quotedPrintable(lines.join('\n')),
    '',
  ].join('\r\n');
}

const SUBJECT_MAX = 200; // characters
