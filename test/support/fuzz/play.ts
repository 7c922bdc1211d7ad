/** Plays one session of the fuzzer at the house, over a socket of its own, and says what went wrong. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { House, Seen } from './house.ts';
import { HeardReplies } from './replies.ts';
import type { FuzzSession } from './session.ts';

export interface Played {
  readonly wrong: readonly string[];
  readonly codes: ReadonlyMap<number, number>;
  readonly seen: Seen;
}

/** Turns of the event loop in which an answer comes that comes at all: the gateway runs in the same one. */
const TURNS = 25;
/** From the client's end to the server's: all that is still to be done is in memory. */
const CLOSE_MS = 20_000;

export async function play(house: House, session: FuzzSession, ip: string): Promise<Played> {
  const seen = house.expect(ip);
  const player = new Player(house.port, ip, (what) => seen.wrong.push(what));
  await player.run(session);
  await within(CLOSE_MS, () => player.over && seen.whole);
  if (!player.over) seen.wrong.push('the connection did not end');
  player.end();
  seen.conclude();
  const { replies } = player;
  const goes = seen.sessions.reduce((sum, one) => sum + one.goes, 0);
  const said = session.pieces.map(({ octets }) => octets).join('');
  const asked = Math.min(goes, said.match(/data/gi)?.length ?? 0);
  if ((replies.codes.get(354) ?? 0) > asked) seen.wrong.push(`354 was said to ${asked} DATA commands more than once`);
  for (const id of replies.queued)
    if (!seen.admissions.includes(id)) seen.wrong.push(`"queued as ${id}" was said, and nothing admitted`);
  if (new Set(replies.queued).size < replies.queued.length) seen.wrong.push('one id was queued twice');
  house.forget(ip);
  return { wrong: seen.wrong, codes: replies.codes, seen };
}

class Player {
  readonly replies: HeardReplies;
  closed = false;
  #plain: Socket;
  #socket: Socket;
  #left = false;

  constructor(port: number, ip: string, wrong: (what: string) => void) {
    this.replies = new HeardReplies(wrong);
    this.#plain = connect({ port, host: '127.0.0.1', localAddress: ip, noDelay: true, allowHalfOpen: true });
    this.#socket = this.#plain;
    this.#plain.on('error', () => {});
    this.#plain.on('close', () => {
      if (!this.#left && !this.#plain.errored && !this.replies.upgrading) this.replies.ended();
      this.closed = true;
    });
    // What follows 220 to STARTTLS is not SMTP.
    this.#plain.on('data', (octets) => {
      if (!this.replies.upgrading) this.replies.take(octets.toString('latin1'));
    });
    this.#plain.on('end', () => this.#plain.end());
  }

  /** A client that left by itself waits for nothing; any other until the server has closed too. */
  get over(): boolean {
    return this.#left || this.closed;
  }

  async run({ pieces, cuts, polite, handshake, leaves }: FuzzSession): Promise<void> {
    if (polite) await this.#answer(0);
    for (const [n, { octets, listens }] of pieces.entries()) {
      if (this.replies.upgrading && handshake && this.#socket === this.#plain) await this.#shakeHands();
      const before = this.replies.whole;
      const cut = cuts.length === 0 ? 0 : cuts[n % cuts.length]! % (octets.length + 1);
      if (cut > 0) await this.#send(octets.slice(0, cut));
      await this.#send(octets.slice(cut));
      if (listens) await this.#answer(before);
      if (this.closed) return;
    }
    const before = this.replies.whole;
    switch (leaves) {
      case 'quit':
        await this.#send('QUIT\r\n');
        await this.#answer(before);
        this.#socket.end();
        break;
      case 'half-close':
        this.#socket.end();
        break;
      case 'destroy':
        this.#left = true;
        this.#socket.destroy();
        this.#plain.destroy();
        break;
      case 'reset':
        this.#left = true;
        // Under TLS the plain socket has nothing to reset, and would wait for writes that are not its own.
        if (this.#socket === this.#plain) this.#plain.resetAndDestroy();
        else this.end();
        break;
    }
  }

  end(): void {
    this.#left = true;
    this.#socket.destroy();
    this.#plain.destroy();
  }

  async #send(octets: string): Promise<void> {
    if (octets === '' || !this.#socket.writable) return;
    this.#socket.write(octets, 'latin1');
    await turn();
  }

  /** Until a whole reply more than `before` came, if it does. */
  async #answer(before: number): Promise<void> {
    for (let n = 0; n < TURNS && this.replies.whole === before && !this.closed; n++) await turn();
  }

  async #shakeHands(): Promise<void> {
    const socket = connectTls({ socket: this.#plain, rejectUnauthorized: false });
    this.#plain.removeAllListeners('data').removeAllListeners('end');
    this.#socket = socket;
    socket.on('data', (octets) => this.replies.take(octets.toString('latin1')));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => {});
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function within(span: number, holds: () => boolean): Promise<void> {
  // Nearly always it is a matter of a few turns; then the machine is left to others.
  for (let n = 0; n < 200 && !holds(); n++) await turn();
  const until = performance.now() + span;
  while (!holds() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
}
