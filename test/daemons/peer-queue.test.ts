/** What a whole gateway makes of hosts that will not, cannot or do not say: Postfix and smtp-sink in their moods, and a person's word. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servedZones } from '../support/dns-zones.ts';
import { type Daemon, filesOf, provide, startDaemon } from './daemon.ts';
import { type Happened, Operated } from './operated.ts';

const missing = await provide('postfix');

interface Mood {
  readonly what: string;
  readonly mood: string;
  /** smtp-sink's options; absent: it is a service of Postfix, or nobody. */
  readonly sink?: string;
  /** What becomes of a message when it is the only host. */
  readonly alone: string;
  /** And when Postfix is the second. */
  readonly first: string;
}

const BY_POSTFIX = 'delivered by postfix: 250 2.0.0';

/** Each at an address of its own, so that what we remember of one says nothing of another. */
const MOODS: readonly Mood[] = [
  {
    what: 'is not there (failover)',
    mood: 'gone',
    alone: 'deferred by gone: connect ECONNREFUSED',
    first: BY_POSTFIX,
  },
  {
    what: 'is Postfix that greets with 554',
    mood: 'greets554',
    alone: 'deferred by greets554: 554 5.7.1',
    first: BY_POSTFIX,
  },
  {
    what: 'is Postfix that greets with 421',
    mood: 'greets421',
    alone: 'deferred by greets421: 421 4.3.2',
    first: BY_POSTFIX,
  },
  {
    what: 'says 421 and hangs up',
    mood: 'says421',
    sink: '-Q MAIL',
    alone: 'deferred by says421: 421 4.0.0',
    first: BY_POSTFIX,
  },
  { what: 'drops the line at DATA', mood: 'drop', sink: '-q DATA', alone: 'deferred by drop: ', first: BY_POSTFIX },
  { what: 'says 450', mood: 'says450', sink: '-r RCPT', alone: 'deferred by says450: 450 4.3.0', first: BY_POSTFIX },
  {
    what: 'says 500',
    mood: 'says500',
    sink: '-f RCPT',
    alone: 'bounced by says500: 500 5.3.0',
    first: 'bounced by says500: 500 5.3.0',
  },
  {
    what: 'is slow',
    mood: 'slow',
    sink: '-w 2',
    alone: 'delivered by slow: 250 2.0.0',
    first: 'delivered by slow: 250 2.0.0',
  },
  {
    what: 'drops the line after the dot',
    mood: 'lost',
    sink: '-q .',
    alone: 'deferred by lost: ',
    first: 'deferred by lost: ',
  },
];

const placeOf = (mood: string): string => `127.0.0.${10 + MOODS.findIndex((one) => one.mood === mood)}`;
const domainOf = ({ mood }: Pick<Mood, 'mood'>, place: 'alone' | 'first'): string => `${mood}.${place}.test`;
/** To Postfix alone. */
const OTHERS = ['plain.test', 'quiet.test'];
/** A running gateway sees a suspension within so many milliseconds (docs/queue.md). */
const KNOWN = 2000;

const greeting = (mood: string, rule: string) =>
  `${placeOf(mood)}:PORT inet n - n - 10 smtpd -o smtpd_delay_reject=no -o { smtpd_client_restrictions = check_client_access static:{${rule}} }`;

const brief = ({ kind, by, text }: Happened): string => `${kind} by ${by.replace(/\.mx\.test\[.*/, '')}: ${text}`;

describe.skipIf(missing !== '')('a gateway by MX', () => {
  const ends: (() => Promise<void> | void)[] = [];
  const sinks = new Map<string, Daemon>();
  const ids = new Map<string, string>();
  let scheduled: string;
  let gateway: Operated;
  let postfix: Daemon;

  async function sink(mood: string, options: string): Promise<void> {
    sinks.set(
      mood,
      await startDaemon('sink', { OPTIONS: options, ADDRESS: placeOf(mood), PORT: String(postfix.port) }),
    );
  }

  beforeAll(async () => {
    const domains = [...MOODS.flatMap((one) => [domainOf(one, 'first'), domainOf(one, 'alone')]), ...OTHERS];
    const boxes = [...domains.map((domain) => `box@${domain}=box/`), 'bob@boxes.test=bob/'];
    postfix = await startDaemon('postfix', {
      MAIN: [
        `virtual_mailbox_domains = store.test boxes.test ${domains.join(' ')}`,
        `virtual_mailbox_maps = texthash:$config_directory/mailboxes inline:{ ${boxes.join(', ')} }`,
      ].join('\n'),
      MASTER: [greeting('greets554', '554 5.7.1 go away'), greeting('greets421', '421 4.3.2 not now')].join('\n'),
    });
    ends.push(() => postfix.stop());
    await Promise.all(MOODS.flatMap((one) => (one.sink === undefined ? [] : [sink(one.mood, one.sink)])));
    ends.push(async () => void (await Promise.all([...sinks.values()].map((one) => one.stop()))));
    const dns = await servedZones({
      'postfix.mx.test': [{ A: '127.0.0.1' }],
      ...Object.fromEntries(MOODS.map(({ mood }) => [`${mood}.mx.test`, [{ A: placeOf(mood) }]])),
      ...Object.fromEntries(
        MOODS.flatMap((one) => {
          const best = { MX: [10, `${one.mood}.mx.test`] };
          const second = { MX: [20, 'postfix.mx.test'] };
          return [
            [domainOf(one, 'first'), [second, best]],
            [domainOf(one, 'alone'), [best]],
          ];
        }),
      ),
      ...Object.fromEntries(OTHERS.map((domain) => [domain, [{ MX: [10, 'postfix.mx.test'] }]])),
    });
    ends.push(() => dns.close());
    gateway = await Operated.start({
      lines: [
        'domains: { store.test: { route: store, recipients: any }, boxes.test: { route: boxes, recipients: any } }',
        'routes:',
        `  store: { hosts: ["127.0.0.1:${postfix.port}"] }`,
        `  internet: { mx: true, port: ${postfix.port} }`,
        `  soon: { hosts: ["${placeOf('says450')}:${postfix.port}"], retry: [1s, 2s], expire: 6s, delay_notice: 2s }`,
        `  boxes: { hosts: ["127.0.0.1:${postfix.port}"] }`,
        'routing: [{ recipient: soon@plain.test, route: soon }]',
        'default_route: internet',
        `dns: { servers: ["${dns.server}"] }`,
        'queue: { retry: [1h] }',
      ],
    });
    ends.push(() => gateway.stop());
    scheduled = await gateway.send('scheduled', 'soon@plain.test');
    for (const mood of MOODS)
      for (const place of ['first', 'alone'] as const) {
        const domain = domainOf(mood, place);
        ids.set(domain, await gateway.send(domain, `box@${domain}`));
      }
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  test.each(MOODS)('whose only host $what: $alone', async (mood) => {
    const said = brief(await gateway.first(ids.get(domainOf(mood, 'alone'))!));
    expect(said.slice(0, mood.alone.length)).toBe(mood.alone);
  });

  test.each(MOODS)('whose best host $what, with Postfix as the next: $first', async (mood) => {
    const said = brief(await gateway.first(ids.get(domainOf(mood, 'first'))!));
    expect(said.slice(0, mood.first.length)).toBe(mood.first);
  });

  const inbox = (user: string) => filesOf(join(postfix.dir, 'mail', user, 'new'));
  const reports = () => inbox('alice').filter((text) => /^Content-Type: multipart\/report/m.test(text));

  test('whose host refuses for good tells the sender, by a message that Postfix takes', async () => {
    const about = () => reports().filter((text) => text.includes('box@says500.alone.test'));
    await expect.poll(() => about().length, { timeout: 20_000 }).toBe(1);
    expect(about()[0]).toMatch(/^Action: failed\nStatus: 5\.3\.0\nRemote-MTA: dns; says500\.mx\.test\n/m);
  });

  test('asks the host again that lost the line after the dot, and the next one not', async () => {
    const domain = domainOf({ mood: 'lost' }, 'first');
    const id = ids.get(domain)!;
    const place = `lost.mx.test[${placeOf('lost')}]:${postfix.port}`;
    await gateway.first(id);
    expect(await gateway.waiting('--domain', domain)).toMatchObject([
      { attempts: 1, last: { host: place, only_at: place }, state: { kind: 'waiting' } },
    ]);
    await sinks.get('lost')!.stop();
    await gateway.run('queue', 'retry', '--domain', domain);
    await gateway.until(id, ({ length }) => length >= 3);
    await sink('lost', '');
    await gateway.run('queue', 'retry', '--domain', domain);
    const events = await gateway.until(id, (so) => so.some(({ kind }) => kind === 'delivered'));
    expect(events.map(({ kind, by }) => `${kind} ${by}`)).toEqual([
      `deferred ${place}`,
      expect.stringMatching(/^retried /),
      `deferred ${place}`,
      expect.stringMatching(/^retried /),
      `delivered ${place}`,
    ]);
    expect(inbox('box').filter((text) => text.includes(domain))).toEqual([]);
  });

  test('gives each recipient what Postfix says of it, and one report of those it refuses', async () => {
    const to = ['bob', 'full', 'moved', 'nobody', 'carol'].map((user) => `${user}@store.test`);
    const id = await gateway.send('some of them', ...to);
    const events = await gateway.until(id, (so) => so.filter(({ kind }) => kind !== 'notified').length === 5);
    const told = events.filter(({ kind }) => kind !== 'notified');
    expect(told.map(({ kind, recipient, text }) => `${recipient} ${kind} ${text.slice(0, 9)}`).sort()).toEqual([
      '1 delivered 250 2.0.0',
      '2 deferred 452 4.2.2',
      '3 bounced 550 5.1.6',
      '4 bounced 550 5.1.1',
      '5 delivered 250 2.0.0',
    ]);
    expect(await gateway.waiting('--route', 'store')).toMatchObject([
      { recipient: 'full@store.test', attempts: 1, last: { said: expect.stringContaining('452 4.2.2') } },
    ]);
    const about = () => reports().filter((text) => text.includes(id));
    await expect.poll(() => about().length, { timeout: 20_000 }).toBe(1);
    expect(about()[0]!.match(/^Final-Recipient: .*$/gm)).toEqual([
      'Final-Recipient: rfc822; moved@store.test',
      'Final-Recipient: rfc822; nobody@store.test',
    ]);
  });

  test('keeps to the schedule of its route, tells of the delay once, and of the end once', async () => {
    const events = await gateway.until(scheduled, (so) => so.filter(({ kind }) => kind === 'notified').length === 2);
    const deferred = events.filter(({ kind }) => kind === 'deferred');
    expect(deferred.map(({ text }) => text.slice(0, 9))).toEqual(deferred.map(() => '450 4.3.0'));
    // A second, then two and two, each a tenth less at least; under load they come later.
    const waits = deferred.slice(1).map(({ at }, n) => at - deferred[n]!.at);
    expect(waits.length).toBeGreaterThanOrEqual(1);
    expect(waits.filter((wait, n) => wait < (n === 0 ? 900 : 1800))).toEqual([]);
    expect(deferred.length).toBeLessThanOrEqual(5);
    const others = events.filter(({ kind }) => kind !== 'deferred').map(({ kind, text }) => `${kind}: ${text}`);
    expect(others).toEqual([
      'notified: delayed, to <alice@store.test>',
      expect.stringMatching(/^bounced: its time is over; the last attempt, at 127\.0\.0\.\d+:\d+: 450 4\.3\.0/),
      'notified: failed, to <alice@store.test>',
    ]);
    const about = () => reports().filter((text) => text.includes('soon@plain.test'));
    await expect.poll(() => about().length, { timeout: 20_000 }).toBe(2);
    const fields = about().map((text) => text.match(/^(?:Action|Status): .*$/gm)?.join(', '));
    expect(fields.toSorted()).toEqual(['Action: delayed, Status: 4.3.0', 'Action: failed, Status: 4.3.0']);
  });

  test('sends nothing that is suspended, says so to who asks, and all of it when it is resumed', async () => {
    await gateway.run('queue', 'suspend', '--domain', 'quiet.test', '--why', 'INC-4711: they ask for a pause');
    await gateway.run('queue', 'suspend', '--route', 'boxes', '--for', '2h', '--why', 'moved today');
    await pause(KNOWN);
    const quiet = await gateway.send('quiet', 'box@quiet.test');
    const boxed = await gateway.send('boxed', 'bob@boxes.test');
    // Others go on.
    expect(await gateway.first(await gateway.send('plain', 'box@plain.test'))).toMatchObject({ kind: 'delivered' });
    expect(await gateway.waiting('--domain', 'quiet.test')).toMatchObject([
      { attempts: 0, state: { kind: 'waiting' }, suspended: { why: 'INC-4711: they ask for a pause' } },
    ]);
    const listed = await gateway.run('queue', 'list');
    expect(listed).toMatch(/^\S+ +suspended +<alice@store\.test> -> <box@quiet\.test> by internet$/m);
    expect(listed).toMatch(/^\S+ +suspended +<alice@store\.test> -> <bob@boxes\.test> by boxes$/m);
    for (const said of [listed, await gateway.run('status')]) {
      expect(said).toContain('INC-4711: they ask for a pause');
      expect(said).toContain('moved today');
    }
    await gateway.run('queue', 'resume', '--domain', 'quiet.test');
    expect(await gateway.first(quiet)).toMatchObject({ kind: 'delivered' });
    expect(await gateway.waiting('--route', 'boxes')).toMatchObject([
      { attempts: 0, suspended: { why: 'moved today' } },
    ]);
    await gateway.run('queue', 'resume', '--all');
    expect(await gateway.first(boxed)).toMatchObject({ kind: 'delivered' });
  });
});
