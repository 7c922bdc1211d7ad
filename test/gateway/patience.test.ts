/** How long a message may be deferred by an outage before it is kept aside. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { isPatienceOver } from '../../src/gateway/patience.ts';
import { hours } from '../../src/mail/time.ts';
import { afterPatience } from '../../src/policy/course.ts';
import type { Disposition } from '../../src/policy/disposition.ts';

const outage: Disposition = {
  kind: 'defer',
  by: 'on_error:clamav',
  reply: { code: 451, enhanced: '4.3.0', text: 'later' },
  speak: 'rcpt',
  patience: { span: hours(4), reason: 'the check clamav failed' },
};
const message = { sender: 'a@example.net', recipient: 'b@example.com', sha256: 'f00d' };
const at = Date.UTC(2026, 10, 22, 10);

test('patience: a message is deferred until its span is over, and kept aside from then on', async () => {
  const state = new MemoryState();
  const over: boolean[] = [];
  for (const hour of [0, 1, 3.9, 4, 30]) over.push(await isPatienceOver(outage, message, state, at + hours(hour)));
  expect(over).toEqual([false, false, false, true, true]);
  expect(afterPatience(outage)).toMatchObject({ kind: 'quarantine', by: 'on_error:clamav', class: 'policy' });
});

test('patience: another recipient, sender or content waits anew, and a plain defer never ends', async () => {
  const state = new MemoryState();
  await isPatienceOver(outage, message, state, at);
  for (const other of [{ sender: '' }, { recipient: 'c@example.com' }, { sha256: 'beef' }])
    expect(await isPatienceOver(outage, { ...message, ...other }, state, at + hours(5))).toBe(false);
  const { patience: _, ...plain } = outage;
  expect(await isPatienceOver(plain as Disposition, message, state, at + hours(50))).toBe(false);
});
