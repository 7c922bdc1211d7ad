/** A directory that is loaded whole, when whoever loads it is told to stop: nothing more is asked, written or told. */
import { expect, test } from 'vitest';
import type { LoadedSource } from '../../src/config/live-source.ts';
import { ListLoading } from '../../src/gateway/list-loading.ts';
import { days, minutes } from '../../src/mail/time.ts';
import { FakeClock } from '../support/clock.ts';
import { calm } from '../support/sending.ts';

function bench(load: (signal: AbortSignal) => Promise<readonly string[]>) {
  const clock = new FakeClock();
  const said: string[] = [];
  const note = (name: string) => void said.push(name);
  const seen = { loads: 0, written: [] as string[] };
  const source = {
    kind: 'ldap',
    servers: [{ host: 'dc1.internal', port: 636, tls: 'implicit' }],
    list: { every: minutes(15), attributes: ['mail'], maxShrink: 0.1 },
  } as unknown as LoadedSource;
  const loading = new ListLoading({
    source,
    load: async (signal) => {
      seen.loads += 1;
      return load(signal);
    },
    write: (addresses) => void seen.written.push(...addresses),
    clock,
    log: { event: note, warn: note, error: note },
  });
  return { clock, said, seen, loading };
}

test('stopped between two loads, it loads no more', async () => {
  const { clock, seen, loading } = bench(async () => ['alice@store.test']);
  await calm();
  loading.stop();
  await calm();
  await clock.pass(days(1));
  await calm();
  expect([seen, clock.sleeping]).toEqual([{ loads: 1, written: ['alice@store.test'] }, 0]);
});

test('stopped while it loads, it breaks off, and tells of no directory that is down', async () => {
  const { clock, said, seen, loading } = bench(
    (signal) => new Promise((_, fails) => signal.addEventListener('abort', () => fails(new Error('stopped')))),
  );
  await calm();
  loading.stop();
  await calm();
  await clock.pass(days(1));
  await calm();
  expect([seen, said, loading.status().state]).toEqual([{ loads: 1, written: [] }, [], 'not asked yet']);
});
