/** What leaves: the prefix, then the content with its edits, and by which way. */
import type { Consignment, Delivery } from '../ports/delivery.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { Edit, QueueEntry } from '../queue/entry.ts';
import type { Route } from '../queue/route.ts';
import type { AttemptResult } from '../queue/transition.ts';
import { grownBy, spliced } from './splice.ts';

/** Entries of one message that go out alike, as one transaction. */
export function consign(entries: readonly QueueEntry[], route: Route, read: QueueStore['read']): Consignment {
  const entry = entries[0]!;
  const top = topOf(entry, returnPath(entry, route));
  return {
    entries,
    route,
    // Fields that are taken off are not counted off: SIZE may be an estimate (RFC 1870 §5).
    size: top.length + entry.contentSize + grownBy(entry.edits),
    open: (signal) => spliced(top, entry.edits, read(entry.contentRef, signal)),
  };
}

/** The octets of `consign`, less the line that only a maildir is given: for whoever looks at them before they leave. */
export const leaving = (
  entry: Pick<QueueEntry, 'prefix' | 'edits' | 'contentRef'>,
  read: QueueStore['read'],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> => spliced(topOf(entry), entry.edits, read(entry.contentRef, signal));

const topOf = ({ prefix, edits }: Pick<QueueEntry, 'prefix' | 'edits'>, before = ''): Uint8Array =>
  Buffer.from(before + prefix + edits.map(onTop).reverse().join(''));

/** By the way its route names. */
export class DeliveryByRoute implements Delivery {
  readonly #smtp: Delivery;
  readonly #maildir: Delivery;
  constructor(smtp: Delivery, maildir: Delivery) {
    this.#smtp = smtp;
    this.#maildir = maildir;
  }
  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    switch (consignment.route.kind) {
      case 'hosts':
      case 'mx':
        return this.#smtp.deliver(consignment, signal);
      case 'maildir':
        return this.#maildir.deliver(consignment, signal);
    }
  }
  async close(): Promise<void> {
    await Promise.all([this.#smtp.close(), this.#maildir.close()]);
  }
}

/**
 * Where we bring mail to rest, its envelope sender is written on it (RFC 5321 §4.4). By LMTP the other side does, whose delivery is the
 * final one: Dovecot and Cyrus each put a field on top, and a second one stood below it.
 */
function returnPath({ reversePath }: QueueEntry, route: Route): string {
  return route.kind === 'maildir'
    ? `Return-Path: <${reversePath.kind === 'null' ? '' : reversePath.mailbox.address}>\r\n`
    : '';
}

/** What an edit puts on top. */
function onTop(edit: Edit): string {
  switch (edit.kind) {
    case 'addField':
      return `${edit.field}\r\n`;
    case 'removeField':
    case 'removeStray':
    case 'replaceOctets':
      return '';
  }
}
