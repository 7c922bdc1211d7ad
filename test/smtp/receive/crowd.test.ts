/** Sessions and connections are counted for all threads together, by network and in all, and a dead thread's are forgotten. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { seconds } from '../../../src/mail/time.ts';
import { type CrowdLimits, clearThread, crowdIn, crowdRoom, KNOWN } from '../../../src/smtp/receive/crowd.ts';

const NOW = Date.UTC(2026, 10, 22, 10);
const WIDE: CrowdLimits = {
  sessions: 1e6,
  networkSessions: 1e6,
  connections: 1e6,
  networkConnections: 1e6,
  window: seconds(60),
};
const alone = (limits: Partial<CrowdLimits>) => crowdIn(crowdRoom(1, [17, 4]), 0, { ...WIDE, ...limits });
const net = (n: number): string => `10.${n >> 8}.${n & 255}.0/24`;

describe('sessions', () => {
  test('of one network are bounded, those of others are not touched', () => {
    const crowd = alone({ networkSessions: 2 });
    expect([1, 2, 3].map(() => crowd.enter(net(1), NOW))).toEqual(['ok', 'ok', 'too-many']);
    expect(crowd.enter(net(2), NOW)).toBe('ok');
    crowd.leave(net(1));
    expect(crowd.enter(net(1), NOW)).toBe('ok');
    expect(crowd.sessions).toBe(3);
  });

  test('in all are bounded, and trusted upstreams find room where strangers do not', () => {
    const crowd = alone({ sessions: 2 });
    expect([1, 2, 3].map((n) => crowd.enter(net(n), NOW))).toEqual(['ok', 'ok', 'full']);
    expect([1, 2, 3].map(() => crowd.enter(KNOWN, NOW))).toEqual(['ok', 'ok', 'full']);
    expect(crowd.sessions).toBe(4);
  });

  test('make the house busy from three quarters on', () => {
    const crowd = alone({ sessions: 4 });
    for (let n = 0; n < 3; n++) {
      expect(crowd.busy).toBe(false);
      crowd.enter(net(n), NOW);
    }
    expect(crowd.busy).toBe(true);
  });

  test('of a thousand networks with a session each keep hardly anybody out by a shared slot', () => {
    const crowd = alone({ networkSessions: 1 });
    const refused = Array.from({ length: 1000 }, (_, n) => crowd.enter(net(n), NOW)).filter((entry) => entry !== 'ok');
    expect(refused.length).toBeLessThan(5);
  });
});

describe('connections', () => {
  test('of one network have a rate, over a window that slides', () => {
    const crowd = alone({ networkConnections: 10 });
    const start = Math.ceil(NOW / WIDE.window) * WIDE.window;
    const at = (second: number) => {
      const entry = crowd.enter(net(1), start + seconds(second));
      if (entry === 'ok') crowd.leave(net(1));
      return entry;
    };
    for (let n = 0; n < 10; n++) expect(at(30)).toBe('ok');
    expect(at(59)).toBe('too-fast');
    expect(at(60)).toBe('too-fast'); // all ten still lie within the last minute
    expect(at(67)).toBe('ok'); // a tenth of the window before has slid out
    expect(at(240)).toBe('ok');
    expect(crowd.sessions).toBe(0);
  });

  test('that were shed do not count, so that a flood does not keep its network out for ever', () => {
    const crowd = alone({ networkConnections: 5 });
    for (let n = 0; n < 1000; n++) crowd.enter(net(1), NOW);
    expect(crowd.enter(net(1), NOW + 2 * WIDE.window)).toBe('ok');
  });

  test('in all have a rate', () => {
    const crowd = alone({ connections: 3 });
    expect([1, 2, 3, 4].map((n) => crowd.enter(net(n), NOW))).toEqual(['ok', 'ok', 'ok', 'rush']);
  });

  test('of trusted upstreams have none', () => {
    const crowd = alone({ connections: 1, networkConnections: 1, networkSessions: 1 });
    expect([1, 2, 3].map(() => crowd.enter(KNOWN, NOW))).toEqual(['ok', 'ok', 'ok']);
    expect(crowd.enter(net(1), NOW)).toBe('ok');
  });

  test('a clock that is set back forgets, and refuses nobody for it', () => {
    const crowd = alone({ networkConnections: 1 });
    expect(crowd.enter(net(1), NOW)).toBe('ok');
    expect(crowd.enter(net(1), NOW - seconds(3600))).toBe('ok');
  });
});

describe('threads', () => {
  test('share every bound, and what a dead one had is forgotten', () => {
    const room = crowdRoom(2, [1, 2]);
    const limits = { ...WIDE, networkSessions: 2, sessions: 3 };
    const [one, two] = [crowdIn(room, 0, limits), crowdIn(room, 1, limits)];
    expect([one.enter(net(1), NOW), two.enter(net(1), NOW)]).toEqual(['ok', 'ok']);
    expect(one.enter(net(1), NOW)).toBe('too-many');
    expect(two.enter(net(2), NOW)).toBe('ok');
    expect(one.enter(net(3), NOW)).toBe('full');
    clearThread(room, 1);
    expect(one.sessions).toBe(1);
    expect([one.enter(net(1), NOW), one.enter(net(1), NOW)]).toEqual(['ok', 'too-many']);
    expect(() => crowdIn(room, 2, limits)).toThrow('there are 2');
  });

  test('in workers of their own never exceed a bound together, and leave nothing behind', async () => {
    const room = crowdRoom(3, [5, 6]);
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { crowdIn } = await import(workerData.module);
      const crowd = crowdIn(workerData.room, workerData.thread, workerData.limits);
      let most = 0;
      for (let n = 0; n < 20000; n++) {
        const network = '10.0.' + (n % 3) + '.0/24';
        if (crowd.enter(network, ${NOW}) !== 'ok') continue;
        most = Math.max(most, crowd.sessions);
        crowd.leave(network);
      }
      parentPort.postMessage(most);
    `;
    const limits = { ...WIDE, sessions: 2 };
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const workerData = (thread: number) => ({
      room,
      thread,
      limits,
      module: new URL('../../../src/smtp/receive/crowd.ts', import.meta.url).href,
    });
    const workers = [1, 2].map((thread) => new Worker(url, { workerData: workerData(thread) }));
    const most = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as number));
    // One of them may be looking while the other takes back what was too much.
    expect(Math.max(...most)).toBeLessThanOrEqual(3);
    expect(Math.min(...most)).toBeGreaterThan(0);
    expect(crowdIn(room, 0, limits).sessions).toBe(0);
  });
});
