/** What leaves: the prefix, then the content with its edits, and by which way. */
import { HEADER_OCTETS_MAX, parseHeaderSection } from '../mail/header.ts';
import type { Consignment, Delivery } from '../ports/delivery.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { Edit, QueueEntry } from '../queue/entry.ts';
import type { Route } from '../queue/route.ts';
import type { AttemptResult } from '../queue/transition.ts';

/** Entries of one message that go out alike, as one transaction. */
export function consign(entries: readonly QueueEntry[], route: Route, read: QueueStore['read']): Consignment {
  const entry = entries[0]!;
  const top = topOf(entry, returnPath(entry, route));
  return {
    entries,
    route,
    // Fields that are taken off are not counted off: SIZE may be an estimate (RFC 1870 §5).
    size: top.length + entry.contentSize,
    open: (signal) => finalOctets(top, entry.edits, read(entry.contentRef, signal)),
  };
}

/** The octets of `consign`, less the line that only a mailbox is given: for whoever looks at them before they leave. */
export const leaving = (entry: QueueEntry, read: QueueStore['read'], signal: AbortSignal): AsyncIterable<Uint8Array> =>
  finalOctets(topOf(entry), entry.edits, read(entry.contentRef, signal));

const topOf = ({ prefix, edits }: QueueEntry, before = ''): Uint8Array =>
  Buffer.from(before + prefix + edits.map(onTop).reverse().join(''));

/** By the way its route names. */
export class DeliveryByRoute implements Delivery {
  readonly #hosts: Delivery;
  readonly #maildir: Delivery;
  constructor(hosts: Delivery, maildir: Delivery) {
    this.#hosts = hosts;
    this.#maildir = maildir;
  }
  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    switch (consignment.route.kind) {
      case 'hosts':
        return this.#hosts.deliver(consignment, signal);
      case 'maildir':
        return this.#maildir.deliver(consignment, signal);
      case 'mx': {
        const cause = `route "${consignment.route.name}" goes by MX, which this version does not do`;
        return consignment.entries.map(() => ({ kind: 'transient', host: '', reply: null, cause }));
      }
    }
  }
  async close(): Promise<void> {
    await Promise.all([this.#hosts.close(), this.#maildir.close()]);
  }
}

/** Where mail comes to rest its envelope sender is written on it (RFC 5321 §4.4). */
function returnPath({ reversePath }: QueueEntry, route: Route): string {
  const rests = route.kind === 'maildir' || (route.kind === 'hosts' && route.protocol === 'lmtp');
  return rests ? `Return-Path: <${reversePath.kind === 'null' ? '' : reversePath.mailbox.address}>\r\n` : '';
}

/** What an edit puts on top. */
function onTop(edit: Edit): string {
  switch (edit.kind) {
    case 'addField':
      return `${edit.field}\r\n`;
    case 'removeField':
    case 'removeStray':
      return '';
  }
}

/** Whether an edit takes something off the message. */
function takesOff(edit: Edit): boolean {
  switch (edit.kind) {
    case 'removeField':
    case 'removeStray':
      return true;
    case 'addField':
      return false;
  }
}

async function* finalOctets(
  top: Uint8Array,
  edits: readonly Edit[],
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const taken = edits.filter(takesOff);
  let pending: Uint8Array[] = [top];
  let gathered = 0;
  let inHeader = taken.length > 0;
  for await (const chunk of content) {
    if (pending.length === 0) {
      yield chunk;
      continue;
    }
    pending.push(chunk);
    gathered += chunk.length;
    if (inHeader && gathered < HEADER_OCTETS_MAX && !Buffer.concat(pending.slice(1)).includes('\r\n\r\n')) continue;
    yield withoutFields(pending, taken);
    pending = [];
    inHeader = false;
  }
  if (pending.length > 0) yield withoutFields(pending, taken);
}

/** One piece of it all, so that a small message is one write. */
function withoutFields([top, ...chunks]: readonly Uint8Array[], taken: readonly Edit[]): Uint8Array {
  if (taken.length === 0) return Buffer.concat([top!, ...chunks]);
  const opening = Buffer.concat(chunks);
  const { fields, strays } = parseHeaderSection(opening.subarray(0, HEADER_OCTETS_MAX));
  const kept: Uint8Array[] = [top!];
  let at = 0;
  const goes = (kind: Edit['kind'], n: number): boolean =>
    taken.some((edit) => edit.kind === kind && 'index' in edit && edit.index === n);
  const cuts = [
    ...fields.filter((_, n) => goes('removeField', n)),
    ...strays.filter((_, n) => goes('removeStray', n)),
  ].sort((a, b) => a.start - b.start);
  for (const { start, end } of cuts) {
    kept.push(opening.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...kept, opening.subarray(at)]);
}
