/** What a source that is asked over the network is remembered to have said, where that is nothing. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import type { SqlSource } from '../../src/config/live-source.ts';
import { LiveRecipients } from '../../src/gateway/live-recipients.ts';
import { minutes, seconds } from '../../src/mail/time.ts';
import { FakeClock } from '../support/clock.ts';

/** As many answers as are remembered. */
const REMEMBERED_MAX = 50_000;

test('a no that is not to be remembered takes no place of a yes that is', async () => {
  const asked = { count: 0 };
  const live = new LiveRecipients({
    source: {
      ...{ kind: 'sql', host: 'db.internal', port: 5432, database: 'mail', timeout: seconds(600), connections: 2 },
      ...{ knownFor: minutes(15), unknownFor: 0, lastKnown: 0, onError: 'defer' },
    } as unknown as SqlSource,
    id: 's',
    client: {
      ask: async ({ local }) => {
        asked.count += 1;
        return local === 'alice' ? 'known' : 'unknown';
      },
      close: () => {},
    },
    state: new MemoryState(),
    clock: new FakeClock(),
    log: { event: () => {}, warn: () => {}, error: () => {} },
  });
  const ask = (local: string) => live.ask({ address: `${local}@store.test`, local, domain: 'store.test' });
  await ask('alice');
  for (let n = 0; n < REMEMBERED_MAX; n++) await ask(`n${n}`);
  expect([await ask('alice'), asked.count]).toEqual([{ result: 'known', by: 'remembered' }, REMEMBERED_MAX + 1]);
  expect([await ask('n0'), asked.count]).toEqual([{ result: 'unknown', by: 'asked' }, REMEMBERED_MAX + 2]);
});
