/** What is said to a service manager, and what it may ask for. */
import { expect, test } from 'vitest';
import { messageOf, supervisionOf, type Word } from '../../../src/adapters/system/notify-messages.ts';

test.each<[Word, readonly string[]]>([
  [{ kind: 'ready', status: 'takes mail' }, ['READY=1', 'STATUS=takes mail']],
  [{ kind: 'reloading', at: 1_234_567n }, ['RELOADING=1', 'MONOTONIC_USEC=1234567']],
  [{ kind: 'stopping', status: 'finishes what is in hand' }, ['STOPPING=1', 'STATUS=finishes what is in hand']],
  [{ kind: 'alive' }, ['WATCHDOG=1']],
  // A second line would be an assignment of its own.
  [{ kind: 'status', status: 'a\nMAINPID=1' }, ['STATUS=a\\x0aMAINPID=1']],
  [{ kind: 'status', status: 'x'.repeat(500) }, [`STATUS=${'x'.repeat(197)}...`]],
])('%o is one message', (word, assignments) => {
  expect(messageOf(word)).toEqual(assignments);
});

const socket = { NOTIFY_SOCKET: '/run/notify' };

test.each([
  ['nobody who listens', {}, { kind: 'unsupervised' }],
  ['an empty name of a socket', { NOTIFY_SOCKET: '' }, { kind: 'unsupervised' }],
  ['no watchdog', socket, { watchdogEvery: undefined }],
  ['half of the time it waits', { ...socket, WATCHDOG_USEC: '60000000' }, { watchdogEvery: 30_000 }],
  ['ours by number', { ...socket, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }, { watchdogEvery: 30_000 }],
  ["another process's", { ...socket, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41' }, { watchdogEvery: undefined }],
  ['a tenth of a second at the soonest', { ...socket, WATCHDOG_USEC: '1' }, { watchdogEvery: 100 }],
  ['no number', { ...socket, WATCHDOG_USEC: '1min' }, { watchdogEvery: undefined }],
  ['none at all', { ...socket, WATCHDOG_USEC: '0' }, { watchdogEvery: undefined }],
])('the environment asks for %s', (_, env, found) => {
  expect(supervisionOf(env, 42)).toMatchObject(found);
});
