/** The octets of all messages on their way in: what nobody has promised yet must not fill the disk. */
export class Spooling {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(octets: number): boolean {
    return this.#held + octets <= this.#most;
  }

  /** False, and nothing is taken, when there is no room for them. */
  take(octets: number): boolean {
    if (!this.hasRoom(octets)) return false;
    this.#held += octets;
    return true;
  }

  give(octets: number): void {
    this.#held -= octets;
  }
}
