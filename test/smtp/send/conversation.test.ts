/** A host that talks on is not kept in memory: what nobody asked for is bounded, and after QUIT nothing is heard. */
import { expect, test } from 'vitest';
import type { Line, LineListener } from '../../../src/ports/dial.ts';
import { Conversation } from '../../../src/smtp/send/conversation.ts';

/** A line whose other end says what the test tells it to. */
function wire() {
  let listener: LineListener | undefined;
  const told = { sent: '', ended: false, destroyed: false };
  const line: Line = {
    listen: (to) => {
      listener = to;
    },
    write: (octets) => {
      told.sent += Buffer.from(octets).toString();
      return true;
    },
    drained: async () => {},
    startTls: async () => '',
    shown: () => undefined,
    end: () => {
      told.ended = true;
    },
    destroy: () => {
      told.destroyed = true;
    },
  };
  return { conversation: new Conversation(line), told, says: (text: string) => listener!.heard(Buffer.from(text)) };
}

test('answers ahead of their commands are taken, as many as a group can have', async () => {
  const { conversation, says } = wire();
  says('250 ok\r\n'.repeat(200));
  expect(conversation.broken).toBeUndefined();
  expect(await conversation.hear(1000, 'MAIL')).toMatchObject({ kind: 'reply' });
});

test.each([
  ['many short ones', '250 x\r\n'.repeat(1001)],
  ['few long ones', `${`250-${'x'.repeat(4000)}\r\n`.repeat(100)}250 x\r\n`.repeat(3)],
])('a host that goes on answering is hung up on: %s', (_, flood) => {
  const { conversation, told, says } = wire();
  for (let at = 0; at < flood.length; at += 65_536) says(flood.slice(at, at + 65_536));
  expect([conversation.broken, told.destroyed]).toEqual(['it goes on answering what it was not asked', true]);
});

test('answers that are asked for are never too many', async () => {
  const { conversation, says } = wire();
  for (let n = 0; n < 2000; n++) {
    says(`250 ${'x'.repeat(3000)}\r\n`);
    expect(await conversation.hear(1000, 'RCPT')).toMatchObject({ kind: 'reply' });
  }
});

test('what is said after QUIT is heard by nobody', () => {
  const { conversation, told, says } = wire();
  conversation.leave();
  says('221 bye\r\n'.repeat(2000));
  expect([told.sent, told.ended, conversation.outOfStep]).toEqual(['QUIT\r\n', true, false]);
});

test('a reply of two codes is none', async () => {
  const { conversation, says } = wire();
  const heard = conversation.hear(1000, 'RCPT');
  says('250-ok\r\n550 no\r\n');
  expect(await heard).toMatchObject({ kind: 'broken', why: expect.stringContaining('no reply of SMTP') });
});
