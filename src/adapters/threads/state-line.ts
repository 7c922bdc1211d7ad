/** What is remembered, asked for from another thread: one thread counts for all, so that a limit holds whoever took the connection. */
import type { MessagePort } from 'node:worker_threads';
import type { Millis, Timestamp } from '../../mail/time.ts';
import type { StateStore } from '../../ports/state.ts';

type Question =
  | { readonly do: 'get'; readonly space: string; readonly key: string; readonly at: Timestamp }
  | {
      readonly do: 'put';
      readonly space: string;
      readonly key: string;
      readonly value: string;
      readonly expires: Timestamp;
    }
  | { readonly do: 'delete'; readonly space: string; readonly key: string }
  | {
      readonly do: 'hit';
      readonly space: string;
      readonly key: string;
      readonly at: Timestamp;
      readonly window: Millis;
      readonly amount: number;
    }
  | { readonly do: 'entries'; readonly space: string; readonly at: Timestamp };
type Asked = readonly { readonly no: number; readonly question: Question }[];
type Answer = string | number | readonly (readonly [string, string])[] | undefined;
type Told = readonly { readonly no: number; readonly answer?: Answer; readonly error?: string }[];

/** Answers what comes over the line until it is closed. */
export function serveState(port: MessagePort, state: StateStore): void {
  port.on('message', (asked: Asked) => {
    void Promise.all(
      asked.map(async ({ no, question }) => {
        try {
          return { no, answer: await answer(state, question) };
        } catch (error) {
          return { no, error: error instanceof Error ? error.message : String(error) };
        }
      }),
    ).then((told) => port.postMessage(told));
  });
}

async function answer(state: StateStore, question: Question): Promise<Answer> {
  const { space } = question;
  switch (question.do) {
    case 'entries':
      return state.entries(space, question.at);
    case 'get':
      return state.get(space, question.key, question.at);
    case 'put':
      await state.put(space, question.key, question.value, question.expires);
      return undefined;
    case 'delete':
      await state.delete(space, question.key);
      return undefined;
    case 'hit':
      return state.hit(space, question.key, question.at, question.window, question.amount);
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The asking end. Questions of one turn travel together. */
export class StateLine implements StateStore {
  readonly scope = 'live';
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #outbox: { readonly no: number; readonly question: Question }[] = [];
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (told: Told) => {
      for (const { no, answer: said, error } of told) {
        const waiting = this.#waiting.get(no);
        this.#waiting.delete(no);
        if (error === undefined) waiting?.resolve(said);
        else waiting?.reject(new Error(error));
      }
    });
    port.on('close', () => this.close());
  }

  async get(space: string, key: string, at: Timestamp): Promise<string | undefined> {
    return (await this.#ask({ do: 'get', space, key, at })) as string | undefined;
  }

  async put(space: string, key: string, value: string, expires: Timestamp): Promise<void> {
    await this.#ask({ do: 'put', space, key, value, expires });
  }

  async delete(space: string, key: string): Promise<void> {
    await this.#ask({ do: 'delete', space, key });
  }

  async hit(space: string, key: string, at: Timestamp, window: Millis, amount: number): Promise<number> {
    return (await this.#ask({ do: 'hit', space, key, at, window, amount })) as number;
  }

  async entries(space: string, at: Timestamp): Promise<readonly (readonly [string, string])[]> {
    return (await this.#ask({ do: 'entries', space, at })) as readonly (readonly [string, string])[];
  }

  fork(scope: 'candidate' | 'scratch'): StateStore {
    throw new RangeError(`Cannot lay a ${scope} over a line as the state must be in this thread: it is in another`);
  }

  /** Who still waits is told that nobody answers any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    for (const { reject } of this.#waiting.values()) reject(ended());
    this.#waiting.clear();
  }

  #ask(question: Question): Promise<Answer> {
    if (this.#closed) return Promise.reject(ended());
    this.#asked += 1;
    const no = this.#asked;
    if (this.#outbox.length === 0)
      setImmediate(() => {
        const asked: Asked = this.#outbox;
        this.#outbox = [];
        this.#port.postMessage(asked);
      });
    this.#outbox.push({ no, question });
    return new Promise((resolve, reject) => this.#waiting.set(no, { resolve, reject }));
  }
}

const ended = (): Error => new Error('Cannot ask what is remembered as its line must be open: it was closed');
