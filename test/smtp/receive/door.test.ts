/** The door over real sockets: overload hears 421 and why, costs no session, and a flood is told of once with its count. */
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { parseRange, RangeSet } from '../../../src/mail/ip.ts';
import { minutes, seconds } from '../../../src/mail/time.ts';
import { type CrowdLimits, crowdIn, crowdRoom } from '../../../src/smtp/receive/crowd.ts';
import { Door } from '../../../src/smtp/receive/door.ts';
import { receiving, type World } from '../../support/receiver.ts';

let world: World;
afterEach(() => world.end());

interface Told {
  readonly reason: string;
  readonly ip: string;
  readonly count: number;
}

/** A receiver behind a door; `lag` is what the event loop is late by. */
async function behind(limits: Partial<CrowdLimits>, known: readonly string[] = []) {
  const crowd = crowdIn(crowdRoom(1, [3, 4]), 0, {
    sessions: 1000,
    networkSessions: 1000,
    connections: 1000,
    networkConnections: 1000,
    window: minutes(1),
    ...limits,
  });
  const told: Told[] = [];
  const logged: string[] = [];
  const state = { lag: 0 };
  const note = (name: string) => void logged.push(name);
  const door = new Door({
    crowd,
    known: new RangeSet(known.map((text) => parseRange(text)!)),
    lag: () => state.lag,
    lagMax: 500,
    shed: ({ ip }, reason, reply) => ({
      reply: { ...reply, text: `(ref 1) ${reply.text}` },
      close: (count) => void told.push({ reason, ip, count }),
    }),
    log: { event: note, warn: note, error: note },
  });
  world = await receiving({ door });
  return { crowd, told, logged, state };
}

/** All that a client hears who comes from this address and waits for the end. */
function hear(localAddress: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ port: world.port, host: '127.0.0.1', localAddress });
    socket.on('data', (octets) => {
      heard += octets.toString('latin1');
      if (heard.startsWith('220')) socket.write('QUIT\r\n');
    });
    socket.on('error', () => {}).on('close', () => resolve(heard));
  });
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

test('too many sessions of one network hear 421, no session is opened for them, and other networks are served', async () => {
  const { told, crowd } = await behind({ networkSessions: 2 });
  const inside = [await world.client(), await world.client()];
  for (const client of inside) expect(await client.reply()).toMatch(/^220 /);
  const shed = await Promise.all(Array.from({ length: 50 }, (_, n) => hear(`127.0.0.${2 + n}`)));
  expect([...new Set(shed)]).toEqual([
    '421 4.7.0 (ref 1) too many connections from your network, please try again later\r\n',
  ]);
  expect(world.script.clients).toHaveLength(2);
  expect(await hear('127.0.1.1')).toMatch(/^220 [^\n]*\n221 /);
  await until(() => crowd.sessions === 2);
  expect(told).toEqual([]);
  await world.clock.pass(minutes(1) + seconds(1));
  expect(told).toEqual([{ reason: 'network-sessions', ip: expect.stringMatching(/^127\.0\.0\./), count: 50 }]);
  inside[0]!.socket.destroy();
  await until(() => crowd.sessions === 1);
  expect(await hear('127.0.0.9')).toMatch(/^220 /);
});

test.each([
  ['network-rate', { networkConnections: 3 }, /^421 4\.7\.0 \(ref 1\) too many new connections from your network/],
  ['too-busy', { connections: 3 }, /^421 4\.3\.2 \(ref 1\) too busy/],
] as const)('connections that come too fast: %s', async (reason, limits, expected) => {
  const { told } = await behind(limits);
  for (let n = 0; n < 3; n++) expect(await hear('127.0.0.1')).toMatch(/^220 /);
  for (let n = 0; n < 3; n++) expect(await hear('127.0.0.1')).toMatch(expected);
  await world.clock.pass(minutes(2));
  expect(told).toEqual([{ reason, ip: '127.0.0.1', count: 3 }]);
  expect(await hear('127.0.0.1')).toMatch(/^220 /);
});

test('a full house sheds strangers and lets trusted upstreams in', async () => {
  await behind({ sessions: 1, networkSessions: 1, networkConnections: 1 }, ['127.0.9.0/24']);
  expect(await (await world.client()).reply()).toMatch(/^220 /);
  expect(await hear('127.0.0.2')).toMatch(/^421 4\.3\.2 /);
  expect(await hear('127.0.9.1')).toMatch(/^220 /);
  expect(await hear('127.0.9.1')).toMatch(/^220 /);
});

test('while the event loop is late new connections hear 421, and the sessions that are there go on', async () => {
  const { logged, state } = await behind({});
  const client = await world.client();
  await client.reply();
  state.lag = 501;
  await world.clock.pass(seconds(1));
  expect(await hear('127.0.0.1')).toMatch(/^421 4\.3\.2 \(ref 1\) too busy/);
  state.lag = 300; // not yet: it would shut again at once
  await world.clock.pass(seconds(1));
  expect(await hear('127.0.0.1')).toMatch(/^421 /);
  expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  state.lag = 200;
  await world.clock.pass(seconds(1));
  expect(await hear('127.0.0.1')).toMatch(/^220 /);
  expect(logged).toEqual(['smtp.door.shut', 'smtp.shedding', 'smtp.door.open']);
});

test('while the house is nearly full the silent have ten seconds', async () => {
  await behind({ sessions: 4 });
  const clients = [await world.client(), await world.client(), await world.client()];
  for (const client of clients) await client.reply();
  await world.clock.pass(seconds(13));
  expect(await clients[0]!.reply()).toBe('421 4.4.2 timeout, closing');
});

test('what was shed is told of when the listener closes', async () => {
  const { told } = await behind({ sessions: 1 });
  await (await world.client()).reply();
  await hear('127.0.0.2');
  await world.end();
  expect(told).toEqual([{ reason: 'too-busy', ip: '127.0.0.2', count: 1 }]);
});

test('a flood from more networks than are told apart is one record a reason', async () => {
  const { told } = await behind({ sessions: 1 });
  await (await world.client()).reply();
  for (let n = 0; n < 220; n++) await hear(`127.1.${n}.1`);
  await world.clock.pass(minutes(2));
  expect(told).toHaveLength(201);
  expect(told.map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(220);
});
