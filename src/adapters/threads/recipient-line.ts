/** The recipient desk, asked from another thread: one thread asks the sources for all, so that their connections and their answers are shared. */
import type { MessagePort } from 'node:worker_threads';
import type { AskedAddress, LiveAnswer, RecipientDesk } from '../../ports/recipients.ts';

interface Asked {
  readonly no: number;
  readonly source: string;
  readonly asked: AskedAddress;
}
interface Told {
  readonly no: number;
  readonly answer: LiveAnswer | undefined;
}

/** Answers what comes over the line until it is closed. */
export function serveRecipients(port: MessagePort, desk: RecipientDesk): void {
  port.on('message', ({ no, source, asked }: Asked) => {
    const tell = (answer: LiveAnswer | undefined): void => port.postMessage({ no, answer } satisfies Told);
    void desk.ask(source, asked).then(tell, () => tell(undefined));
  });
}

/** Nobody can say: the sender is asked to come again. */
const NOBODY: LiveAnswer = { result: 'unsure', by: 'on_error' };

/** The asking end. */
export class RecipientLine implements RecipientDesk {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (answer: LiveAnswer) => void>();
  #asked = 0;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', ({ no, answer }: Told) => {
      this.#waiting.get(no)?.(answer ?? NOBODY);
      this.#waiting.delete(no);
    });
    port.on('close', () => this.close());
  }

  ask(source: string, asked: AskedAddress): Promise<LiveAnswer> {
    if (this.#closed) return Promise.resolve(NOBODY);
    this.#asked += 1;
    const no = this.#asked;
    this.#port.postMessage({ no, source, asked } satisfies Asked);
    return new Promise((resolve) => this.#waiting.set(no, resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    for (const answer of this.#waiting.values()) answer(NOBODY);
    this.#waiting.clear();
  }
}
