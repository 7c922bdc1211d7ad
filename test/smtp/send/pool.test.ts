/** Lines kept open between messages, and hosts forgotten with their last line. */
import { expect, test } from 'vitest';
import { seconds } from '../../../src/mail/time.ts';
import type { Line, LineListener } from '../../../src/ports/dial.ts';
import { NO_CAPABILITIES } from '../../../src/smtp/send/capabilities.ts';
import { Conversation } from '../../../src/smtp/send/conversation.ts';
import type { Peer } from '../../../src/smtp/send/peer.ts';
import { Pool } from '../../../src/smtp/send/pool.ts';

const REUSE = { messages: 10, idle: seconds(60) };

/** A host at the end of a line that a test breaks. */
function host(): { readonly peer: Peer; breakLine(): void } {
  let listener: LineListener | undefined;
  const line: Line = {
    listen: (one) => {
      listener = one;
    },
    write: () => true,
    drained: async () => {},
    startTls: async () => '',
    shown: () => undefined,
    end: () => {},
    destroy: () => {},
  };
  const peer: Peer = {
    host: 'mx.a.test',
    protocol: 'smtp',
    conversation: new Conversation(line),
    can: NO_CAPABILITIES,
    deadlines: {} as Peer['deadlines'],
    security: '',
    messages: 1,
    domains: new Set<string>(),
  };
  return { peer, breakLine: () => listener?.ended('reset') };
}

test('a host is forgotten with its last line, whether that was taken or has broken', () => {
  const pool = new Pool();
  const hosts = Array.from({ length: 100 }, (_, n) => ({ key: `host ${n}`, ...host() }));
  for (const { key, peer } of hosts) pool.give(key, peer, REUSE);
  expect(pool.hosts).toBe(100);
  for (const { breakLine } of hosts.slice(50)) breakLine();
  const taken = hosts.map(({ key }) => pool.take(key));
  expect(taken).toEqual([...hosts.slice(0, 50).map(({ peer }) => peer), ...Array(50).fill(undefined)]);
  expect(pool.hosts).toBe(0);
});

test('of two lines the one that stands is taken, and the host stays known while one is left', () => {
  const pool = new Pool();
  const [first, second, third] = [host(), host(), host()];
  for (const { peer } of [first, second, third]) pool.give('a', peer, REUSE);
  third.breakLine();
  expect(pool.take('a')).toBe(second.peer);
  expect(pool.hosts).toBe(1);
  expect(pool.take('a')).toBe(first.peer);
  expect(pool.take('a')).toBeUndefined();
  expect(pool.hosts).toBe(0);
  pool.close();
});
