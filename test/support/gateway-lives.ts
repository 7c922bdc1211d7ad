/** A gateway that is killed again and again, and started again at once. */
import { type Ending, GatewayProcess } from './gateway-process.ts';

export class GatewayLives {
  readonly #config: string;
  readonly #onStart: (life: number) => void;
  #now: GatewayProcess;
  #life = 0;
  #stopping = false;
  #killed = new Set<number>();
  /** Ends nobody asked for. */
  readonly surprises: string[] = [];

  constructor(config: string, onStart: (life: number) => void) {
    this.#config = config;
    this.#onStart = onStart;
    this.#now = this.#start();
  }

  /** From 1; each start is a life. */
  get life(): number {
    return this.#life;
  }

  get kills(): number {
    return this.#killed.size;
  }

  /** Where the present life listens, once it does; undefined when there will be no more. */
  async where(): Promise<number | undefined> {
    while (!this.#stopping) {
      const process = this.#now;
      try {
        return await process.port();
      } catch {
        // It was killed before it listened, which is a part of the plan; one that ends by itself is a surprise.
        await process.ended;
      }
    }
    return undefined;
  }

  /** Ends the present life in the middle of what it does; the next begins when it is gone. */
  kill(): void {
    this.#killed.add(this.#life);
    this.#now.signal('SIGKILL');
  }

  async stop(): Promise<Ending> {
    this.#stopping = true;
    this.#now.signal('SIGTERM');
    return this.#now.ended;
  }

  #start(): GatewayProcess {
    this.#life += 1;
    const life = this.#life;
    const process = new GatewayProcess(this.#config);
    this.#onStart(life);
    void process.ended.then(({ code, signal, err }) => {
      if (this.#stopping) return;
      if (!this.#killed.has(life)) {
        this.surprises.push(`life ${life} ended (${code ?? signal}): ${err.slice(-2000)}`);
        this.#stopping = true;
      } else this.#now = this.#start();
    });
    return process;
  }
}
