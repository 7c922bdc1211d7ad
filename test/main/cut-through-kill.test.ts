/** `kill -9` around a refusal that a client waits for: told by its answer or kept for the postmaster, by both at worst, never by neither. */
import { expect, onTestFinished, test } from 'vitest';
import { installationFiles } from '../support/cut-through-house.ts';
import { GatewayLives } from '../support/gateway-lives.ts';
import { Line } from '../support/letter-clients.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { openStore } from '../support/store-folder.ts';

const CLIENTS = 6;
/** When each life ends: what must have happened so often in it. */
const MOMENTS = [
  { event: 'asked', count: 7 },
  { event: 'told', count: 9 },
  { event: 'answered', count: 12 },
  { event: 'told', count: 23 },
  { event: 'answered', count: 30 },
] as const;

test('a refusal is never lost between the store and the client', async () => {
  let happened = { asked: 0, answered: 0, told: 0 };
  const happens = (event: keyof typeof happened) => {
    happened[event] += 1;
    const moment = MOMENTS[lives.life - 1];
    if (moment?.event === event && moment.count === happened[event]) lives.kill();
  };
  const host = await ScriptedHost.start({
    dot: () => {
      happens('asked');
      setImmediate(() => happens('answered'));
      return '550 5.7.1 not this';
    },
  });
  onTestFinished(() => host.stop());
  const files = installationFiles({ host, boxes: host, plain: host, limit: '60s', log: 'info' });
  onTestFinished(files.remove);
  const lives = new GatewayLives(files.config, () => {
    happened = { asked: 0, answered: 0, told: 0 };
  });

  const told = new Map<string, string>();
  let sent = 0;
  const client = async (): Promise<void> => {
    while (lives.life <= MOMENTS.length) {
      const port = await lives.where();
      if (port === undefined) return;
      const line = new Line(port);
      try {
        await line.replies(1);
        await line.say('EHLO client.test\r\n', 1);
        while (lives.life <= MOMENTS.length) {
          sent += 1;
          const mark = `mark${sent}`;
          await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@store.test>\r\nDATA\r\n', 3);
          const [reply] = await line.say(`Subject: ${mark}\r\n\r\nBody.\r\n.\r\n`, 1);
          told.set(mark, reply!);
          happens('told');
        }
      } catch {
        // Its gateway was killed: the letter has no answer, and is not sent again.
      } finally {
        line.close();
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await lives.where();
  const store = await openStore(files.store, { mode: 'visit' });
  await expect.poll(() => store.queue.count({}), { timeout: 30_000, interval: 50 }).toBe(0);
  expect(lives.surprises).toEqual([]);
  expect(lives.kills).toBe(MOMENTS.length);

  const kept = new Set((await store.queue.quarantined({ limit: 10_000 })).map(({ recordId }) => recordId));
  const records = new Map<string, string>();
  for (const { id, message } of await store.records.search({ limit: 10_000 })) records.set(message?.subject ?? '', id);
  const asked = new Set(host.messages.map((text) => /Subject: (mark\d+)/.exec(text)![1]!));
  expect(asked.size).toBeGreaterThan(30);
  const refused = (mark: string) => told.get(mark)?.startsWith('550 5.7.1 (ref') === true;
  const aside = (mark: string) => kept.has(records.get(mark) ?? '');
  expect([...asked].filter((mark) => !refused(mark) && !aside(mark))).toEqual([]);
  // Nobody heard anything else, but who came before the dispatcher had its first look at the queue; and twice only who was on the wire
  // when the gateway died, or had been told just before: the end of its entry is committed behind its answer.
  expect([...told.values()].filter((reply) => !/^(?:550 5\.7\.1 \(ref|250 2\.0\.0 queued as) /.test(reply))).toEqual(
    [],
  );
  expect([...asked].filter((mark) => refused(mark) && aside(mark)).length).toBeLessThanOrEqual(
    2 * CLIENTS * MOMENTS.length,
  );
  for (const mark of asked) {
    const events = (await store.records.get(records.get(mark)!))!.events.map(({ kind }) => kind);
    expect(events.includes('quarantined'), mark).toBe(aside(mark));
    if (!aside(mark)) expect(events.sort()).toEqual(['answered', 'refused']);
  }
  await store.close();
  await lives.stop();
}, 120_000);
