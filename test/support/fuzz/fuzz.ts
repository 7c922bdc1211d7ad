/** Many sessions side by side, each to be had again from its seed and place; what fails is shrunk. */
import fc from 'fast-check';
import type { House } from './house.ts';
import { recordedPieces } from './mutate.ts';
import { play } from './play.ts';
import { anySession, type FuzzSession, tellSession } from './session.ts';

export interface Tally {
  sessions: number;
  readonly commands: Map<string, number>;
  readonly codes: Map<number, number>;
  records: number;
  admissions: number;
}

export const newTally = (): Tally => ({
  sessions: 0,
  commands: new Map(),
  codes: new Map(),
  records: 0,
  admissions: 0,
});

export interface Failure {
  readonly seed: number;
  readonly place: number;
  readonly wrong: readonly string[];
  /** The session as it was shrunk. */
  readonly told: string;
}

const sessions = anySession(recordedPieces());

/** The sessions of one seed. */
export const sessionsOf = (seed: number, count: number): FuzzSession[] => fc.sample(sessions, { seed, numRuns: count });

/** Plays the sessions of a seed, so many side by side; ends at the first that fails. */
export async function fuzz(house: House, seed: number, count: number, beside: number, tally: Tally) {
  const all = sessionsOf(seed, count);
  let next = 0;
  let failed: { readonly place: number; readonly wrong: readonly string[] } | undefined;
  const worker = async (): Promise<void> => {
    while (next < all.length && failed === undefined) {
      const place = next++;
      const session = all[place]!;
      const { wrong, codes, seen } = await play(house, session, nextAddress());
      tally.sessions += 1;
      tally.records += seen.records.length;
      tally.admissions += seen.admissions.length;
      for (const [code, times] of codes) add(tally.codes, code, times);
      for (const { octets } of session.pieces)
        for (const [word] of octets.matchAll(COMMAND)) add(tally.commands, word.toUpperCase(), 1);
      if (wrong.length > 0) failed ??= { place, wrong };
    }
  };
  await Promise.all(Array.from({ length: beside }, worker));
  if (house.strays.wrong.length > 0) failed ??= { place: -1, wrong: house.strays.wrong };
  if (failed === undefined) return undefined;
  return { seed, ...failed, told: failed.place < 0 ? '' : await shrunk(house, seed, failed.place) } satisfies Failure;
}

/** The smallest session that fast-check finds from this one that still fails; it need not fail alone. */
async function shrunk(house: House, seed: number, place: number): Promise<string> {
  const fails = fc.asyncProperty(sessions, async (session) => {
    const { wrong } = await play(house, session, nextAddress());
    return wrong.length === 0;
  });
  const found = await fc.check(fails, {
    seed,
    path: String(place),
    interruptAfterTimeLimit: SHRINK_MS,
    numRuns: place + 1,
  });
  if (found.counterexample !== null) return tellSession(found.counterexample[0]);
  return `(it did not fail when played again alone)\n${tellSession(sessionsOf(seed, place + 1)[place]!)}`;
}

const SHRINK_MS = 10_000;

const COMMAND = /^(?:EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|VRFY|QUIT|STARTTLS|XCLIENT|AUTH|HELP|EXPN|PROXY)\b/gim;

const add = <T>(counts: Map<T, number>, key: T, times: number): void =>
  void counts.set(key, (counts.get(key) ?? 0) + times);

let drawn = 0;
/** A fresh one each: nothing is mixed up, and no port waits for its time to be over (16 million, then round again). */
function nextAddress(): string {
  drawn = (drawn + 1) % (250 * 250 * 250);
  return `127.${1 + Math.floor(drawn / 62_500)}.${Math.floor(drawn / 250) % 250}.${1 + (drawn % 250)}`;
}
