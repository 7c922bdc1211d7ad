/** Looks after the quarantine while the gateway runs: one at a time, in the main thread, for all of them. */
import type { QuarantineKeeping } from '../config/quarantine.ts';
import { expire, type KeepPorts, makeRoom } from '../gateway/quarantine/keep.ts';
import { hours, type Millis, minutes } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';

/** How soon room is made: at a tenth of the limit a minute nothing is refused. */
const ROOM_EVERY: Millis = minutes(1);
const EXPIRE_EVERY: Millis = hours(1);

/** Answers how to stop, which waits for what is in hand. */
export function keepQuarantine(ports: KeepPorts, keeping: () => QuarantineKeeping, clock: Clock): () => Promise<void> {
  let expiredAt: Millis | undefined;
  let work: Promise<void> | undefined;
  const round = async (): Promise<void> => {
    try {
      const elapsed = clock.elapsed();
      if (expiredAt === undefined || elapsed - expiredAt >= EXPIRE_EVERY) {
        await expire(ports, keeping(), clock.now());
        expiredAt = elapsed;
      }
      await makeRoom(ports, keeping(), clock.now());
    } catch (error) {
      // The store is in trouble, and says so itself; the next round tries again.
      ports.log.error('quarantine.unkept', { error: String(error) });
    }
  };
  const look = (): void => {
    work ??= round().finally(() => {
      work = undefined;
    });
  };
  look();
  const timer = setInterval(look, ROOM_EVERY);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await work;
  };
}
