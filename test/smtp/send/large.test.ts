/** Large messages and the lines they go over: a host that reads slowly slows us, one that stops reading is given up, idle lines end. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { dialSocket } from '../../../src/adapters/net/dial.ts';
import type { Dial } from '../../../src/ports/dial.ts';
import type { Route } from '../../../src/queue/route.ts';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';
import { spoiled } from '../../support/spoiled.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript = {}): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script);
  open.push(started);
  return started;
}

function delivery(deadlines = DEADLINES, dial: Dial = dialSocket): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld({ dial }), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}

const route = (next: ScriptedHost): Route => ({
  ...aTiming,
  kind: 'hosts',
  protocol: 'smtp',
  hosts: [next.address],
  tls: 'none',
  auth: null,
});

/** Pieces of 64 KiB, each line beginning with a dot, as the store hands them out: they do not last. `asked` counts them. */
function parcel(next: ScriptedHost, pieces: number) {
  const piece = Buffer.from(`.${'x'.repeat(61)}\r\n`.repeat(1024));
  const body = {
    route: route(next),
    entries: [anEntry()],
    size: pieces * piece.length,
    piece: piece.toString(),
    asked: 0,
    async *open() {
      for (let n = 0; n < pieces; n++) {
        body.asked += 1;
        await new Promise((later) => setImmediate(later));
        yield* spoiled(piece, [piece.length]);
      }
    },
  };
  return body;
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((again) => setImmediate(again));
};

/** The kernel's buffers fill; after that nothing more is asked for, however often we look. */
async function stalled(asked: () => number): Promise<void> {
  let [before, rounds] = [0, 0];
  while (rounds++ < 200 || before !== asked()) {
    before = asked();
    for (let n = 0; n < 20; n++) await new Promise((later) => setImmediate(later));
  }
}

describe('a message of 16 MiB', () => {
  test('arrives octet for octet, its dots doubled', async () => {
    const next = await host();
    const large = parcel(next, 256);
    expect(await delivery().deliver(large, never)).toMatchObject([{ kind: 'delivered' }]);
    const sent = large.piece.replaceAll(/^\./gm, '..');
    expect(next.messages[0]?.length).toBe(256 * sent.length);
    expect(next.messages[0] === sent.repeat(256)).toBe(true);
  });

  test('arrives octet for octet when the host stops taking it for a while: no piece is spoiled before it has left', async () => {
    const next = await host({ deaf: true });
    const text = Array.from({ length: 160_000 }, (_, n) => `${n} ${'y'.repeat(90)}\r\n`).join('');
    let asked = 0;
    // Smaller than what a socket holds back: several would wait in it at once.
    function* small() {
      for (; ; asked++) yield 10_000;
    }
    const open = () => spoiled(Buffer.from(text), small());
    const sending = delivery().deliver({ ...parcel(next, 0), size: text.length, open }, never);
    await until(() => asked > 1);
    await stalled(() => asked);
    next.readOn();
    expect(await sending).toMatchObject([{ kind: 'delivered' }]);
    expect(next.messages[0] === text).toBe(true);
  });

  test('is read from the store only as fast as the host takes it', async () => {
    const next = await host({ deaf: true });
    const large = parcel(next, 256);
    const sending = delivery().deliver(large, never);
    await until(() => next.commands.includes('DATA') && large.asked > 1);
    await stalled(() => large.asked);
    expect(large.asked).toBeLessThan(200);
    next.readOn();
    expect(await sending).toMatchObject([{ kind: 'delivered' }]);
    expect(large.asked).toBe(256);
  });

  test('that a host stops taking is given up after the time of a block, and waits', async () => {
    const next = await host({ deaf: true });
    const results = await delivery({ ...DEADLINES, block: 100 }).deliver(parcel(next, 256), never);
    expect(results).toMatchObject([{ kind: 'transient', cause: 'the host stopped taking the message' }]);
    next.readOn();
    expect(next.messages).toEqual([]);
  });

  test('that cannot be read to its end never gets its dot', async () => {
    const next = await host();
    const whole = parcel(next, 4);
    const damaged = {
      ...whole,
      async *open() {
        yield* whole.open();
        throw new Error('the store is damaged');
      },
    };
    expect(await delivery().deliver(damaged, never)).toMatchObject([
      { kind: 'transient', cause: 'the store is damaged' },
    ]);
    await until(() => next.open === 0);
    expect(next.messages).toEqual([]);
  });

  test('is broken off in its middle when its attempt is', async () => {
    const next = await host({ deaf: true });
    const stop = new AbortController();
    const large = parcel(next, 256);
    const sending = delivery().deliver(large, stop.signal);
    await until(() => large.asked > 1);
    stop.abort();
    expect(await sending).toMatchObject([{ kind: 'transient', cause: 'stopped' }]);
    next.readOn();
    await until(() => next.open === 0);
    expect(next.messages).toEqual([]);
  });
});

describe('an idle line', () => {
  test('ends with QUIT after five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const next = await host();
    const out = delivery();
    await out.deliver(parcel(next, 1), never);
    await vi.advanceTimersByTimeAsync(4999);
    await out.deliver(parcel(next, 1), never);
    expect(next.connections).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    await until(() => next.open === 0);
    expect(next.commands.at(-1)).toBe('QUIT');
    await out.deliver(parcel(next, 1), never);
    expect(next.connections).toBe(2);
  });

  test('serves a thousand messages and no more', async () => {
    const next = await host();
    const out = delivery();
    for (let n = 0; n < 1001; n++) await out.deliver(small(next), never);
    expect(next.connections).toBe(2);
    expect(next.messages).toHaveLength(1001);
  });

  test('is one of twenty at most to a host; the others end', async () => {
    let waiting: (() => void)[] = [];
    const next = await host();
    const out = delivery();
    // All lines are out at once: each message waits in its middle for all the others.
    const gated = () => ({
      ...small(next),
      async *open() {
        yield Buffer.from('Subject: x\r\n\r\n');
        await new Promise<void>((go) => waiting.push(go));
        yield Buffer.from('Body.\r\n');
      },
    });
    const all = Array.from({ length: 25 }, () => out.deliver(gated(), never));
    await until(() => waiting.length === 25);
    for (const go of waiting.splice(0)) go();
    await Promise.all(all);
    await until(() => next.open === 20);
    expect([next.connections, next.commands.filter((line) => line === 'QUIT').length]).toEqual([25, 5]);
    waiting = [];
  });

  test('ends when sending is closed, and nothing is kept after', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // so that its time does not end it
    const next = await host();
    const out = delivery();
    await out.deliver(small(next), never);
    await out.close();
    await until(() => next.open === 0);
    await out.deliver(small(next), never);
    await until(() => next.open === 0);
    expect(next.connections).toBe(2);
  });

  test('on which the host has said something unasked is not used again', async () => {
    const next = await host();
    const lines: { heard(octets: Uint8Array): void }[] = [];
    const overheard: Dial = async (address, signal) => {
      const dialled = await dialSocket(address, signal);
      if (dialled.kind === 'open') {
        const { line } = dialled;
        const listen = line.listen.bind(line);
        line.listen = (listener) => {
          lines.push(listener);
          listen(listener);
        };
      }
      return dialled;
    };
    const out = delivery(DEADLINES, overheard);
    await out.deliver(small(next), never);
    lines[0]?.heard(Buffer.from('250 what nobody asked for\r\n'));
    expect(await out.deliver(small(next), never)).toMatchObject([{ kind: 'delivered' }]);
    expect(next.connections).toBe(2);
  });
});

function small(next: ScriptedHost) {
  return {
    route: route(next),
    entries: [anEntry()],
    size: 10,
    async *open() {
      yield Buffer.from('Subject: x\r\n\r\n');
    },
  };
}
