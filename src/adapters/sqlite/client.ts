/** A thread's end of the line to the store thread: questions of one turn travel together, answers come back by number. */
import type { MessagePort } from 'node:worker_threads';
import { StoreError } from '../../ports/store-error.ts';
import type { Answer, Answers, Ask, Read, Refused, Tell, Write } from './protocol.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export class StoreClient {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #outbox: (Ask | { readonly no: 0; readonly what: Tell })[] = [];
  #asked = 0;
  #ended: StoreError | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#take(answer);
    });
    port.on('close', () => this.end('the store is closed'));
  }

  ask<W extends Write | Read>(what: W): Promise<Answers[W['do']]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#asked += 1;
    const no = this.#asked;
    return new Promise<Answers[W['do']]>((resolve, reject) => {
      this.#pending.set(no, { resolve, reject });
      this.#send({ no, what });
    });
  }

  tell(what: Tell): void {
    if (this.#ended === undefined) this.#send({ no: 0, what });
  }

  /** Posts what waits now, not at the end of the turn. */
  post(): void {
    if (this.#outbox.length === 0) return;
    const message = this.#outbox;
    this.#outbox = [];
    this.#port.postMessage(message);
  }

  /** Nobody answers any more: whoever waits hears of it. */
  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new StoreError('failed', `Cannot ask the store as it must be running: ${why}`);
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
    this.#port.close();
  }

  /** At the end of the turn, so that one message carries what all sessions that had input ask for. */
  #send(one: Ask | { readonly no: 0; readonly what: Tell }): void {
    if (this.#outbox.length === 0) setImmediate(() => this.post());
    this.#outbox.push(one);
  }

  #take(answer: Answer): void {
    const pending = this.#pending.get(answer.no);
    if (pending === undefined) return;
    this.#pending.delete(answer.no);
    if ('refused' in answer) pending.reject(errorOf(answer.refused));
    else pending.resolve(answer.value as never);
  }
}

export const errorOf = ({ kind, message }: Refused): Error =>
  kind === 'range' ? new RangeError(message) : new StoreError(kind, message);
