/** Messages on their way in are bounded together: clients that never send the final dot do not fill the disk. */
import { expect, onTestFinished, test } from 'vitest';
import { type Client, receiving, type World } from '../../support/receiver.ts';

const NO_ROOM = '452 4.3.1 no room for the message now, please try again later';
const LINE = `${'x'.repeat(998)}\r\n`;
const LIMITS = { messageBytes: 1_000_000, spoolingBytes: 1_000_000 };

async function opened(): Promise<World> {
  const world = await receiving({ limits: LIMITS });
  onTestFinished(() => world.end());
  return world;
}

/** A client that has sent 450 KB of a message, all of which have been read. */
async function unfinished(world: World): Promise<Client> {
  const client = await world.client();
  await client.upToData();
  client.send(`\r\n${LINE.repeat(450)}`);
  return client;
}

async function ready(world: World, size = ''): Promise<string | undefined> {
  const client = await world.client();
  await client.reply();
  await client.ask('EHLO client.example.net');
  const answer = await client.ask(`MAIL FROM:<b@example.net>${size}`);
  client.socket.destroy();
  return answer;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

test('what three clients leave unfinished does not pass the bound, and goes with them', async () => {
  const world = await opened();
  const holders = [await unfinished(world), await unfinished(world)];
  await until(async () => (await ready(world, ' SIZE=200000')) === NO_ROOM);
  // Who does not say how much comes is told once it is too much.
  const third = await unfinished(world);
  expect(await third.ask('.')).toBe(NO_ROOM);
  expect(world.script.refusals.at(-1)).toMatchObject({ reason: 'no-room', command: 'content' });
  expect(await third.ask('MAIL FROM:<b@example.net> SIZE=50000')).toMatch(/^250 /);
  for (const holder of holders) holder.socket.destroy();
  await until(async () => (await ready(world, ' SIZE=1000000'))?.startsWith('250') === true);
});

test('what was answered is on its way no more, taken or not', async () => {
  const world = await opened();
  const client = await world.client();
  await client.upToData();
  for (const sender of ['a@example.net', 'content-reject@example.net', 'full@example.net', 'a@example.net']) {
    client.send(`\r\n${LINE.repeat(800)}`);
    expect(await client.ask('.')).toMatch(/^(?:250 2\.0\.0 queued|550 5\.7\.1|452 4\.3\.1) /);
    await client.ask(`MAIL FROM:<${sender}> SIZE=1000000`);
    expect(await client.ask('RCPT TO:<b@example.com>')).toMatch(/^250 /);
    expect(await client.ask('DATA')).toMatch(/^354 /);
  }
});

test('DATA and BDAT for which there is no more room are refused before anything comes', async () => {
  const world = await opened();
  const [data, bdat] = [await world.client(), await world.client()];
  for (const client of [data, bdat]) {
    await client.reply();
    await client.ask('EHLO client.example.net');
    expect(await client.ask('MAIL FROM:<a@example.net> SIZE=900000')).toMatch(/^250 /);
    await client.ask('RCPT TO:<b@example.com>');
  }
  await unfinished(world);
  await until(async () => (await ready(world, ' SIZE=600000')) === NO_ROOM);
  expect(await data.ask('DATA')).toBe(NO_ROOM);
  bdat.send(`BDAT 600000\r\n\r\n${LINE.repeat(600).slice(2)}`);
  expect(await bdat.reply()).toBe(NO_ROOM);
  for (const client of [data, bdat]) expect(await client.ask('MAIL FROM:<a@example.net>')).toMatch(/^250 /);
});

test('a spool without room is told as such, and the session goes on', async () => {
  const world = await opened();
  const client = await world.client();
  await client.upToData('full@example.net');
  expect(await client.ask('text\r\n.')).toBe(NO_ROOM);
  expect(await client.ask('MAIL FROM:<a@example.net>')).toMatch(/^250 /);
  expect(world.logged).toEqual([]);
});
