/** Tells recipients what was held for them, at the times of the schedule, each message once. */
import type { DigestSettings } from '../../config/digest.ts';
import { minutes, type Timestamp } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentStore } from '../../ports/content.ts';
import type { DigestStore } from '../../ports/digest.ts';
import type { DigestKeys } from '../../ports/digest-keys.ts';
import type { Log } from '../../ports/log.ts';
import type { QueueStore } from '../../ports/queue.ts';
import type { SigningKeys } from '../../ports/signing-keys.ts';
import { StoreError } from '../../ports/store-error.ts';
import { ownMail } from '../own-mail.ts';
import { signedOwn } from '../signing/own.ts';
import type { Current } from '../world.ts';
import { composeDigest } from './compose.ts';
import { type Drafted, draft, expiryOf, linkTo } from './draft.ts';
import { isDue, nextRound } from './schedule.ts';
import { signRight } from './token.ts';

export interface RoundsWorld {
  readonly digests: DigestStore;
  readonly queue: Pick<QueueStore, 'admit' | 'read'>;
  readonly content: Pick<ContentStore, 'create' | 'discard'>;
  /** Of links. */
  readonly keys: DigestKeys;
  readonly signingKeys: SigningKeys | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly current: () => Pick<Current, 'installation' | 'directory'>;
  /** Mail was queued. */
  readonly queued: () => void;
}

export interface RoundsStatus {
  /** Undefined: the configuration says no digest. */
  readonly next: Timestamp | undefined;
  /** Of this life of the process. */
  readonly last: { readonly at: Timestamp; readonly mails: number; readonly messages: number } | undefined;
}

/** The wall clock may jump: it is looked at so often, however far the next round is. */
const LOOK = minutes(1);
/** Recipients asked for at once: a million held messages are never in memory. */
const RECIPIENTS = 200;

export class Rounds {
  readonly #world: RoundsWorld;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** When the last round was begun, or when we first looked: what was held before any is told in the next. */
  #begun: Timestamp | undefined;
  #last: RoundsStatus['last'];

  constructor(world: RoundsWorld) {
    this.#world = world;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  get status(): RoundsStatus {
    const { digest } = this.#world.current().installation;
    const next =
      digest === undefined || this.#begun === undefined ? undefined : nextRound(digest.schedule, this.#begun);
    return { next, last: this.#last };
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#world;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        // The store will not have it now. Nothing was told that was not sent: the same round goes on at the next look.
        if (!signal.aborted) log.error('digest.round.failed', { error: String(error) });
      }
      await clock.sleep(this.#wait(), signal).catch(() => {}); // woken by `stop`
    }
  }

  #wait(): number {
    const { next } = this.status;
    return next === undefined ? LOOK : Math.min(LOOK, Math.max(1000, next - this.#world.clock.now()));
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, digests, current } = this.#world;
    const { digest } = current().installation;
    if (digest === undefined) return;
    const now = clock.now();
    this.#begun ??= await digests.lastRound();
    // Never before: kept, so that a restart before the first round does not put it off. Ahead of us: the clock was set back,
    // and nobody would be told until the old time came again.
    if (this.#begun === undefined || this.#begun > now) {
      await digests.roundEnded(now);
      this.#begun = now;
    }
    if (!isDue(digest.schedule, this.#begun, now)) return;
    await this.#round(now, signal);
    await digests.roundEnded(now);
    this.#begun = now;
  }

  async #round(at: Timestamp, signal: AbortSignal): Promise<void> {
    const { digests, log, current } = this.#world;
    let mails = 0;
    let messages = 0;
    for (let after = ''; ; ) {
      const page = await digests.untoldRecipients(after, RECIPIENTS);
      for (const recipient of page) {
        // A reload may have changed or ended it meanwhile.
        const { digest } = current().installation;
        if (signal.aborted || digest === undefined) return signal.throwIfAborted();
        const told = await this.#tell(recipient, digest, signal);
        mails += told === 0 ? 0 : 1;
        messages += told;
      }
      if (page.length < RECIPIENTS) break;
      after = page.at(-1)!;
    }
    this.#last = { at, mails, messages };
    log.event('digest.round', { mails, messages });
  }

  /** How many messages a mail tells of; 0 where there is no mail. */
  async #tell(recipient: string, settings: DigestSettings, signal: AbortSignal): Promise<number> {
    const { log, queued } = this.#world;
    try {
      const drafted = await this.#draft(recipient, settings, signal);
      if (drafted.kind === 'none') return 0;
      const id = await this.#send(recipient, drafted, settings);
      const { items, more } = drafted.parts;
      log.event('digest.queued', { record: id, recipient, messages: items.length + more });
      queued();
      return items.length + more;
    } catch (error) {
      // What one recipient's messages do to us is not the others' harm; what the store does is everybody's.
      if (signal.aborted || error instanceof StoreError) throw error;
      log.error('digest.failed', { recipient, error: String(error) });
      return 0;
    }
  }

  #draft(recipient: string, settings: DigestSettings, signal: AbortSignal): Promise<Drafted> {
    const { digests, queue, keys, clock, current } = this.#world;
    const now = clock.now();
    const key = keys.signing(now);
    const ports = { digests, read: queue.read, ...current() };
    return draft(
      recipient,
      settings,
      ports,
      ({ id, entry }) => linkTo(signRight(id, entry.recipient, expiryOf(now, settings), key), settings),
      signal,
    );
  }

  /** The mail and what it tells, in one commit. */
  async #send(
    recipient: string,
    { to, through, parts }: Extract<Drafted, { kind: 'digest' }>,
    settings: DigestSettings,
  ): Promise<string> {
    const { queue, content, clock, newId, current } = this.#world;
    const { installation } = current();
    const at = clock.now();
    const id = newId();
    const octets = composeDigest({ ...parts, id, at, expires: expiryOf(at, settings) });
    const writer = content.create();
    writer.write(octets);
    const spooled = await writer.finish();
    const held = parts.items.length + parts.more;
    const mail = {
      id,
      at,
      to,
      from: parts.from,
      kind: 'digest',
      subject: `digest of ${held} held ${held === 1 ? 'message' : 'messages'}`,
      why: `digest of ${held} held ${held === 1 ? 'message' : 'messages'}`,
      eightBit: octets.some((octet) => octet > 127),
    } as const;
    try {
      const { record, entry } = await signedOwn(
        ownMail(mail, spooled, installation),
        installation,
        this.#world.signingKeys,
        at,
      );
      await queue.admit({
        record,
        events: [],
        content: spooled,
        entries: [entry],
        quarantine: [],
        told: { recipient, through },
      });
    } catch (error) {
      await content.discard(spooled);
      throw error;
    }
    return id;
  }
}
