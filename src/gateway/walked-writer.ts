/** Takes a message's octets for the spool and looks inside as they come: they flow once. */
import type { Check } from '../checks/define.ts';
import type { Inside } from '../mime/inside.ts';
import { Walk } from '../mime/walk.ts';
import type { Policy } from '../policy/policy.ts';
import type { ContentWriter, SpooledContent } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';

/** Whether anything in the policy asks what is inside, or takes it out. */
export const wantsInside = (policy: Policy, checks: ReadonlyMap<string, Check>): boolean =>
  policy.readsBody ||
  policy.checks.some(({ check }) => checks.get(check)?.looksInside === true) ||
  policy.rules.some(({ action }) => action === 'strip_attachments');

export class WalkedWriter implements ContentWriter {
  readonly #spool: ContentWriter;
  readonly #log: Log;
  #walk: Walk | undefined = new Walk();
  /** Undefined until the message is whole, and where reading it failed by a fault of ours: checks that want it fail. */
  inside: Inside | undefined;

  constructor(spool: ContentWriter, log: Log) {
    this.#spool = spool;
    this.#log = log;
  }

  get size(): number {
    return this.#spool.size;
  }

  write(chunk: Uint8Array): boolean {
    this.#guarded(() => this.#walk?.write(chunk));
    return this.#spool.write(chunk);
  }

  drained(): Promise<void> {
    return this.#spool.drained();
  }

  async finish(): Promise<SpooledContent> {
    this.#guarded(() => {
      this.inside = this.#walk?.end();
    });
    return this.#spool.finish();
  }

  abandon(): Promise<void> {
    this.#walk = undefined;
    return this.#spool.abandon();
  }

  #guarded(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#walk = undefined;
      this.#log.error('inside.fault', { error: error instanceof Error ? error.message : String(error) });
    }
  }
}
