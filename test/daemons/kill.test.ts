/** `kill -9` at random moments: what was answered 250 arrives, and what arrives twice was in flight when the gateway died. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { UNSETTLED_MAX } from '../../src/gateway/dispatch.ts';
import { FLOW } from '../../src/queue/flow.ts';
import { type Arrival, ArrivalsHost, REFUSED } from '../support/arrivals-host.ts';
import { GatewayLives } from '../support/gateway-lives.ts';
import { postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { sendLetters } from '../support/letter-clients.ts';
import { type Letter, markOf, readLetter } from '../support/letters.ts';
import { openStore } from '../support/store-folder.ts';

const MESSAGES = 2000;
const CONNECTIONS = 20;
/** Messages that may have been on the wire, or taken and not committed, at one moment. */
const IN_FLIGHT_MAX = UNSETTLED_MAX + FLOW.concurrency;
const SEED = Number(process.env.POSTERN_SEED ?? Date.now() % 1_000_000);
process.stdout.write(`kill -9 with POSTERN_SEED=${SEED}\n`);

/** mulberry32: the same throws for the same seed. */
function diceFor(round: number): () => number {
  let state = (SEED * 64 + round) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Event = 'promised' | 'arrived' | 'confirmed';

/** When so many of these have happened, and so many milliseconds after it. */
interface Moment {
  readonly event: Event;
  readonly count: number;
  readonly delay: number;
  /** Killed once more so many milliseconds into the next start. */
  readonly again: number | undefined;
}

function momentsFor(dice: () => number, events: readonly Event[]): Moment[] {
  const kills = 2 + Math.floor(dice() * 3);
  return Array.from({ length: kills }, () => ({
    event: events[Math.floor(dice() * events.length)]!,
    count: 1 + Math.floor(dice() * 0.9 * MESSAGES),
    delay: dice() < 0.5 ? 0 : Math.floor(dice() * 20),
    again: dice() < 0.2 ? Math.floor(dice() * 1500) : undefined,
  }));
}

/** One in forty is too large for the database and lies in the spool; one in ten has two recipients, one in 25 one who is gone. */
const letterAt = (round: number, n: number): Letter => ({
  mark: `r${round}n${String(n).padStart(5, '0')}`,
  recipients: [
    n % 25 === 11 ? `${REFUSED}${n % 50}@mail.test` : `u${n % 50}@mail.test`,
    ...(n % 10 === 3 ? [`v${n % 50}@mail.test`] : []),
  ],
  size: n % 40 === 7 ? 80_000 : 200 + (n % 16) * 256,
});

interface Round {
  readonly round: number;
  readonly kills: number;
  readonly sent: number;
  readonly promised: number;
  readonly arrived: number;
  readonly unanswered: number;
  readonly kept: number;
  readonly twice: number;
  readonly mostAtOneKill: number;
  readonly orphaned: number;
  readonly seconds: number;
}
const table: Round[] = [];
afterAll(() => console.table(Object.fromEntries(table.map(({ round, ...row }) => [round, row]))));

const keyOf = ({ mark, recipient }: { readonly mark: string; readonly recipient: string }) => `${mark} ${recipient}`;

test.each(Array.from({ length: 10 }, (_, n) => ({ round: n + 1, by: n === 4 ? 'maildir' : 'smtp' })))(
  'round $round, by $by: 2,000 messages',
  async ({ round, by }) => {
    const began = performance.now();
    const host = await ArrivalsHost.start();
    onTestFinished(() => host.stop());
    const route = by === 'smtp' ? `hosts: ["127.0.0.1:${host.port}"], tls: none` : 'protocol: maildir, path: mail';
    const at = installationFolder([
      'domains: { mail.test: { route: store, recipients: any } }',
      `routes: { store: { ${route} } }`,
    ]);
    const dice = diceFor(round);
    const moments = momentsFor(dice, by === 'smtp' ? ['promised', 'arrived', 'confirmed'] : ['promised']);
    let again: number | undefined;
    const ahead = new Set<Promise<void>>();
    const killAfter = (delay: number) => {
      const killed = pause(delay).then(() => {
        lives.kill();
        ahead.delete(killed);
      });
      ahead.add(killed);
    };
    const lives = new GatewayLives(at.config, (life) => {
      host.life = life;
      if (again !== undefined) killAfter(again);
      again = undefined;
    });
    const counts = { promised: 0, arrived: 0, confirmed: 0 };
    const happens = (event: Event) => {
      counts[event] += 1;
      const now = moments.findIndex((moment) => moment.event === event && moment.count <= counts[event]);
      if (now < 0) return;
      const [moment] = moments.splice(now, 1);
      again = moment!.again;
      if (moment!.delay === 0) lives.kill();
      else killAfter(moment!.delay);
    };
    host.onMessage = happens;

    const promised = new Map<string, Letter>();
    const refused: string[] = [];
    const letters = new Map<string, Letter>();
    await sendLetters({
      connections: CONNECTIONS,
      where: () => lives.where(),
      next: () => {
        if (promised.size >= MESSAGES) return undefined;
        const letter = letterAt(round, letters.size);
        letters.set(letter.mark, letter);
        return letter;
      },
      promised: ({ letter, id }) => {
        promised.set(id, letter);
        happens('promised');
      },
      refused: (letter, reply) => refused.push(`${letter.mark}: ${reply}`),
    });
    expect(refused).toEqual([]);
    expect(lives.surprises).toEqual([]);

    const store = await openStore(at.store, { mode: 'visit' });
    for (let life = 0; life !== lives.life; ) {
      await Promise.all(ahead);
      await lives.where();
      life = lives.life;
      await expect.poll(() => store.queue.count({}), { timeout: 60_000, interval: 50 }).toBe(0);
    }
    expect(moments).toEqual([]);
    expect(await postern('queue', 'list', '--json', '--config', at.config)).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
    expect(await lives.stop()).toMatchObject({ code: 0 });

    // Every message that got 250 has arrived, whole, for each of its recipients, or is kept for the postmaster.
    const arrivals = by === 'smtp' ? host.arrivals : maildirArrivals(join(at.folder, 'mail'));
    const arrived = new Map<string, Arrival[]>();
    const kept = await store.queue.quarantined({ limit: 100_000 });
    expect(kept.every((item) => item.class === 'undeliverable' && item.entry.recipient.startsWith(REFUSED))).toBe(true);
    const keptKeys = new Set(kept.map(({ recordId, entry }) => `${recordId} ${entry.recipient}`));
    expect(kept).toHaveLength(keptKeys.size);
    for (const one of arrivals) arrived.set(keyOf(one), [...(arrived.get(keyOf(one)) ?? []), one]);
    const lost = [...promised].filter(([id, letter]) =>
      letter.recipients.some(
        (to) => !arrived.has(keyOf({ mark: letter.mark, recipient: to })) && !keptKeys.has(`${id} ${to}`),
      ),
    );
    expect(lost).toEqual([]);
    expect(arrivals.filter(({ whole }) => !whole)).toEqual([]);
    expect(arrivals.filter(({ mark }) => !letters.has(mark))).toEqual([]);

    // What arrived twice was among the last that its life sent before it was killed, and came again from a later life.
    const twice = [...arrived.values()].filter((copies) => copies.length > 1);
    const sentBy = new Map<number, number>();
    for (const { life, place } of arrivals) sentBy.set(life, Math.max(place + 1, sentBy.get(life) ?? 0));
    const repeated = new Map<number, Set<string>>();
    for (const copies of twice)
      for (const [n, { life, place, mark }] of copies.slice(0, -1).entries()) {
        expect(copies[n + 1]!.life).toBeGreaterThan(life);
        expect(sentBy.get(life)! - place).toBeLessThanOrEqual(IN_FLIGHT_MAX);
        repeated.set(life, (repeated.get(life) ?? new Set()).add(mark));
      }
    const mostAtOneKill = Math.max(0, ...[...repeated.values()].map(({ size }) => size));
    expect(mostAtOneKill).toBeLessThanOrEqual(IN_FLIGHT_MAX);

    // Every record tells the same story.
    let orphaned = 0;
    const known = new Set<string>();
    for (const { id, message, recipients } of await store.records.search({ limit: 100_000 })) {
      known.add(id);
      const { events } = (await store.records.get(id))!;
      const mark = markOf(message?.id ?? '');
      const ends = events
        .filter(({ kind }) => kind === 'delivered' || kind === 'quarantined')
        .map(({ recipient }) => recipient);
      const queued = recipients.filter(({ outcome }) => outcome === 'queued');
      if (events.some(({ kind }) => kind === 'orphaned')) {
        orphaned += 1;
        expect({ mark, ends, was: promised.has(id) }).toEqual({ mark, ends: [], was: false });
        expect(arrived.has(keyOf({ mark, recipient: queued[0]!.address }))).toBe(false);
      } else {
        // Said once for each copy at most: a kill between the commit of records and that of the queue leaves it said, and repeated.
        for (const { number, address } of queued) {
          const copies = arrived.get(keyOf({ mark, recipient: address }))?.length ?? 0;
          const said = ends.filter((end) => end === number).length;
          expect(
            said >= 1 && said <= (by === 'smtp' && copies > 0 ? copies : 1 + lives.kills),
            `${id} ${mark} ${copies} ${JSON.stringify(events)}`,
          ).toBe(true);
        }
      }
    }
    expect([...promised.keys()].filter((id) => !known.has(id))).toEqual([]);
    await store.close();

    table.push({
      round,
      kills: lives.kills,
      sent: letters.size,
      promised: promised.size,
      arrived: new Set(arrivals.map(({ mark }) => mark)).size,
      unanswered: letters.size - promised.size,
      kept: kept.length,
      twice: new Set(twice.map(([copy]) => copy!.mark)).size,
      mostAtOneKill,
      orphaned,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    });
  },
  120_000,
);

function maildirArrivals(path: string): Arrival[] {
  const users = existsSync(join(path, 'mail.test')) ? readdirSync(join(path, 'mail.test')) : [];
  return users.flatMap((user) =>
    readdirSync(join(path, 'mail.test', user, 'new')).map((name) => ({
      ...readLetter(readFileSync(join(path, 'mail.test', user, 'new', name), 'latin1')),
      recipient: `${user}@mail.test`,
      life: 0,
      place: 0,
      at: 0,
    })),
  );
}
