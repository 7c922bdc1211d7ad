/** One route's way out: so many consignments at once, the rest in line. */

/** As many as Postfix sends to one destination by default; a mail server has slots for others, too. */
export const LANE_WIDTH = 20;

export class Lane<T> {
  readonly #run: (job: T) => Promise<void>;
  readonly #width: number;
  #line: T[] = [];
  #running = 0;

  /** `run` does not reject. */
  constructor(run: (job: T) => Promise<void>, width: number = LANE_WIDTH) {
    this.#run = run;
    this.#width = width;
  }

  push(job: T): void {
    if (this.#running < this.#width) this.#start(job);
    else this.#line.push(job);
  }

  /** Takes back what has not begun. */
  clear(): readonly T[] {
    const line = this.#line;
    this.#line = [];
    return line;
  }

  get idle(): boolean {
    return this.#running === 0 && this.#line.length === 0;
  }

  #start(job: T): void {
    this.#running += 1;
    void this.#run(job).then(() => {
      this.#running -= 1;
      const next = this.#line.shift();
      if (next !== undefined) this.#start(next);
    });
  }
}
