/** What goes on top of each variant of a message: our signatures where it is our senders', a seal where it is a stranger's. */
import { clean } from '../../mail/reply.ts';
import { minutes, type Timestamp } from '../../mail/time.ts';
import type { SpooledContent } from '../../ports/content.ts';
import type { Edit, QueueEntry, SenderStanding } from '../../queue/entry.ts';
import type { Route } from '../../queue/route.ts';
import type { RecordEvent } from '../../record/record.ts';
import { leaving } from '../deliver.ts';
import { type Sealer, seal } from './seal.ts';
import { type Signed, type Signer, sign } from './sign.ts';

/** Undefined where nobody signs, or nothing is sealed. */
export interface Hands {
  readonly signer: Signer | undefined;
  readonly sealer: (() => Sealer) | undefined;
}

interface Stamp {
  /** Fields, each ended; '' for none. */
  readonly top: string;
  readonly kind: 'signed' | 'sealed' | 'unsigned' | 'unsealed';
  /** By whom, or why not. */
  readonly text: string;
}

/** A disk that does not give back in this time what it has just taken is stuck: 451 then. */
const WITHIN = minutes(1);
/** Part of a reason may be a field's name. */
const TEXT_MAX = 300;

/** Of one message: entries with the same edits get the same stamp, made once. */
export class Stamps {
  readonly #content: Pick<SpooledContent, 'open' | 'ref'>;
  readonly #hands: Hands;
  readonly #ours: boolean;
  readonly #made = new Map<string, Promise<Stamp>>();
  /** In the order they were stamped. */
  readonly #given: { readonly number: number; readonly stamp: Stamp }[] = [];

  constructor(content: SpooledContent, sender: SenderStanding, hands: Hands) {
    this.#content = content;
    this.#hands = hands;
    this.#ours = sender === 'authenticated' || sender === 'trusted';
  }

  /** The entry with what belongs on top of it. Rejects where a key that should sign cannot. */
  async stamp(entry: QueueEntry, route: Route | undefined): Promise<QueueEntry> {
    const make = this.#maker(route);
    if (make === undefined) return entry;
    const key = JSON.stringify(entry.edits);
    const making = this.#made.get(key) ?? make(entry.edits);
    this.#made.set(key, making);
    const stamp = await making;
    this.#given.push({ number: Number(entry.id.slice(entry.id.lastIndexOf('.') + 1)), stamp });
    return { ...entry, prefix: stamp.top + entry.prefix };
  }

  /** For the record: once where all entries have the same, else of each. */
  events(recordId: string, at: Timestamp): readonly RecordEvent[] {
    const [first] = this.#given;
    const alike = this.#given.every(({ stamp }) => stamp === first?.stamp);
    const told = alike ? this.#given.slice(0, 1).map(({ stamp }) => ({ number: 0, stamp })) : this.#given;
    return told.map(({ number, stamp: { kind, text } }) => ({
      recordId,
      at,
      recipient: number,
      kind,
      by: '',
      text: clean(text, TEXT_MAX),
    }));
  }

  #maker(route: Route | undefined): ((edits: readonly Edit[]) => Promise<Stamp>) | undefined {
    const { signer, sealer } = this.#hands;
    if (this.#ours) return signer && ((edits) => this.#sign(edits, signer));
    return sealer && goesOn(route) ? (edits) => this.#seal(edits, sealer()) : undefined;
  }

  async #sign(edits: readonly Edit[], signer: Signer): Promise<Stamp> {
    return stampOf(await sign(this.#leaving(edits), signer), 'signed', 'unsigned');
  }

  async #seal(edits: readonly Edit[], sealer: Sealer): Promise<Stamp> {
    return stampOf(await seal(this.#leaving(edits), sealer), 'sealed', 'unsealed');
  }

  /** Less our trace fields, which nobody signs (RFC 6376 §5.4.1). */
  #leaving(edits: readonly Edit[]): AsyncIterable<Uint8Array> {
    const content = this.#content;
    const entry = { prefix: '', edits, contentRef: content.ref };
    return leaving(entry, (_, signal) => content.open(signal), AbortSignal.timeout(WITHIN));
  }
}

const stampOf = (signed: Signed, done: Stamp['kind'], not: Stamp['kind']): Stamp =>
  signed.kind === 'signed'
    ? { top: signed.fields, kind: done, text: signed.told }
    : { top: '', kind: not, text: signed.why };

/** Not where it comes to rest. */
const goesOn = (route: Route | undefined): boolean =>
  route !== undefined && (route.kind === 'mx' || (route.kind === 'hosts' && route.protocol === 'smtp'));
