/** What a notification says and carries, and what becomes of a message whose notification cannot be written. */
import { describe, expect, test } from 'vitest';
import { minutes } from '../../src/mail/time.ts';
import { LEASE } from '../../src/ports/queue.ts';
import { StoreError } from '../../src/ports/store-error.ts';
import { T0 } from '../support/entries.ts';
import { gate } from '../support/gate.ts';
import { calm, delivered, house, later, refused, TEXT } from '../support/sending.ts';

describe('a notification', () => {
  const told = { ret: 'FULL', notify: [], orcpt: '', envid: 'E=1' } as const;

  /** Refuses bob, takes notifications. */
  async function notified(dsn: Partial<typeof told> | { ret: 'HDRS' | '' }, text = TEXT): Promise<string> {
    const { hop, admit, dispatcher, clock } = house();
    hop.answer = (entry) => (entry.notification ? delivered : refused);
    dispatcher.start();
    await calm();
    await admit([{ dsn: { ...told, ...dsn } }], true, text);
    await calm();
    await clock.pass(2000);
    await calm();
    return hop.taken[1]?.text ?? '';
  }

  test.each([
    ['FULL', 'message/rfc822', true],
    ['HDRS', 'text/rfc822-headers', false],
    ['', 'text/rfc822-headers', false],
  ] as const)('of a failure with RET=%s carries the message as %s', async (ret, type, body) => {
    const text = await notified({ ret });
    expect(text).toContain(`Content-Type: ${type}\r\n`);
    expect(text).toContain('Message-ID: <m@sender.test>\r\n');
    expect(text.includes('Body.')).toBe(body);
    expect(text).toContain('Original-Envelope-Id: E=1\r\n');
  });

  test('of a large message carries its header alone, whatever RET says', async () => {
    const text = await notified({ ret: 'FULL' }, `${TEXT}${'x'.repeat(256 * 1024)}\r\n`);
    expect(text).toContain('Content-Type: text/rfc822-headers\r\n');
    expect(text.length).toBeLessThan(5000);
  });

  test('of a message that is all header carries it', async () => {
    expect(await notified({ ret: 'HDRS' }, 'Subject: no body\r\nX: 1\r\n')).toContain('Subject: no body\r\nX: 1\r\n');
  });

  test('of a delay carries the header alone, whatever RET says (RFC 3461 §4.3)', async () => {
    const { hop, admit, dispatcher, clock } = house();
    hop.answer = (entry) => (entry.notification ? delivered : later);
    dispatcher.start();
    await calm();
    clock.jump(T0 + minutes(300));
    await admit([{ dsn: told }], true);
    await calm();
    await clock.pass(2000);
    await calm();
    expect(hop.taken[1]?.text).toMatch(/Action: delayed[\s\S]*text\/rfc822-headers/);
    expect(hop.taken[1]?.text).not.toContain('Body.');
  });

  test('of a delay tells what the host said when it was asked again, not that nobody asked it', async () => {
    const { hop, admit, dispatcher, clock } = house();
    hop.answer = (entry) => (entry.notification ? delivered : later);
    dispatcher.start();
    await admit();
    await calm();
    clock.jump(T0 + minutes(300));
    await clock.pass(2000);
    await calm();
    expect(hop.taken.map(({ text }) => /Action: delayed\r\nStatus: .*|Body/.exec(text)?.[0])).toEqual([
      'Body',
      'Body',
      'Action: delayed\r\nStatus: 4.3.0',
    ]);
    expect(hop.taken[2]?.text).toContain('Diagnostic-Code: smtp; 451 4.3.0 busy\r\n');
  });

  test.each([
    ['failure', refused, ['alice@sender.test']],
    ['delay', later, []],
  ] as const)('of a %s is counted against its sender where it is a failure', async (_, answer, counted) => {
    const { hop, admit, clock, events, bounced } = house();
    hop.answer = () => answer;
    clock.jump(T0 + minutes(300));
    const id = await admit([{}], true);
    await calm();
    expect(await events(id)).toContain('1 notified');
    expect(bounced).toEqual(counted);
  });

  test('that cannot be written leaves the message in the queue, until it can', async () => {
    const { hop, admit, dispatcher, kept, clock, events, logged } = house();
    hop.answer = (entry) => (entry.notification ? delivered : refused);
    const id = await admit();
    const create = kept.content.create.bind(kept.content);
    kept.content.create = () => ({
      ...create(),
      write: () => true,
      finish: () => Promise.reject(new StoreError('full', 'no space')),
    });
    dispatcher.start();
    await calm();
    expect(await kept.queue.list({})).toMatchObject([
      { recordId: id, last: { said: '550 5.1.1 nobody' }, state: { kind: 'waiting', due: T0 + minutes(5) } },
    ]);
    expect(await events(id)).toEqual([]);
    expect(logged).toContain('notification.failed');
    kept.content.create = create;
    await clock.pass(minutes(5));
    await clock.pass(2000);
    await calm();
    expect(await events(id)).toEqual(['1 bounced', '1 notified']);
    expect(hop.taken.map(({ recipients }) => recipients[0])).toEqual([
      'bob@store.test',
      'bob@store.test',
      'alice@sender.test',
    ]);
  });

  test('of a delay that cannot be written is owed at the next attempt', async () => {
    const { hop, admit, kept, clock, events } = house();
    hop.answer = () => later;
    clock.jump(T0 + minutes(300));
    const create = kept.content.create.bind(kept.content);
    const id = await (async () => {
      const admitted = admit([{}], true);
      const id = await admitted;
      kept.content.create = () => {
        throw new StoreError('full', 'no space');
      };
      return id;
    })();
    await calm();
    kept.content.create = create;
    expect(await events(id)).toEqual(['1 deferred']);
    expect(await kept.queue.list({})).toMatchObject([{ delayNotified: false, state: { kind: 'waiting' } }]);
  });

  test('is written without the message where that cannot be read any more', async () => {
    const { hop, admit, dispatcher, kept, clock, logged } = house();
    const read = kept.queue.read.bind(kept.queue);
    const damaged = async function* () {
      yield Buffer.from('Subject: hal');
      throw new Error('damaged');
    };
    hop.answer = (entry) => {
      if (entry.notification) return delivered;
      kept.queue.read = (ref, signal) => (ref === entry.contentRef ? damaged() : read(ref, signal));
      return refused;
    };
    dispatcher.start();
    await calm();
    await admit([{ dsn: told }], true);
    await calm();
    await clock.pass(2000);
    await calm();
    expect(logged).toContain('notification.without_original');
    expect(hop.taken[1]?.text).toMatch(/Final-Recipient: rfc822; bob@store\.test/);
    expect(hop.taken[1]?.text).not.toContain('Subject: hal');
  });

  test('speaks for one recipient alone when the leases may not last until it is kept', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    const { shut, open } = gate();
    hop.gate = shut;
    hop.answer = (entry) => (entry.notification ? delivered : refused);
    kept.queue.renew = async (leases) => leases;
    await admit([{}, { recipient: 'carol@store.test' }], true);
    clock.jump(T0 + LEASE - 30_000);
    open();
    await calm();
    dispatcher.start();
    await calm();
    expect(hop.taken.map(({ text }) => text.match(/^Final-Recipient/gm)?.length ?? 0)).toEqual([0, 1, 1]);
  });
});
