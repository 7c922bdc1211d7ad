/** What recipients were not told of yet, as a thread asks the store thread for it. */
import type { Timestamp } from '../../mail/time.ts';
import type { DigestStore, Untold } from '../../ports/digest.ts';
import type { QuarantineItem } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';
import type { StoreClient } from './client.ts';

export class SqliteDigests implements DigestStore {
  readonly #client: StoreClient;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  untoldRecipients(after: string, limit: number): Promise<readonly string[]> {
    return this.#client.ask({ do: 'untoldRecipients', after, limit });
  }

  async untold(recipient: string, classes: readonly HeldClass[], limit: number): Promise<Untold> {
    const rows = await this.#client.ask({ do: 'untold', recipient, classes, limit });
    return { ...rows, items: rows.items.map((json) => JSON.parse(json) as QuarantineItem) };
  }

  lastRound(): Promise<Timestamp | undefined> {
    return this.#client.ask({ do: 'lastRound' });
  }

  async roundEnded(begun: Timestamp): Promise<void> {
    await this.#client.ask({ do: 'roundEnded', begun });
  }
}
