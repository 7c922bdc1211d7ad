/** What is remembered of made-up names: of so many domains, and no more. */
import { expect, test } from 'vitest';
import { type Probe, talk } from '../../../src/smtp/send/callout-question.ts';
import type { Peer } from '../../../src/smtp/send/peer.ts';
import { FakeClock } from '../../support/clock.ts';

test('of ten thousand domains it is remembered what a made-up name was answered; with one more it begins anew', async () => {
  const probes = new Map<string, Probe>();
  const clock = new FakeClock();
  const sent: string[] = [];
  const ok = { code: 250, enhanced: '2.1.5', text: 'ok' };
  const no = { code: 550, enhanced: '5.1.1', text: 'no such user' };
  const ask = (domain: string) => {
    const conversation = {
      outOfStep: false,
      send: (text: string) => void sent.push(text),
      hear: async () => ({ kind: 'reply', lines: [], reply: sent.at(-1)!.includes('qwxz') ? no : ok }),
    };
    const peer = { conversation, can: {}, deadlines: { rcpt: 1000 }, messages: 0 } as unknown as Peer;
    const parts = { probeRandom: true, clock, nobody: () => 'qwxz' };
    return talk(peer, parts, { address: `a@${domain}`, local: 'a', domain }, probes, 'h:25');
  };
  const probed = (): number => sent.filter((line) => line.includes('qwxz')).length;
  for (let n = 0; n < 10_000; n++) await ask(`d${n}.test`);
  expect([await ask('d0.test'), probes.size, probed()]).toEqual([
    { kind: 'answered', answer: 'known' },
    10_000,
    10_000,
  ]);
  await ask('another.test');
  expect(probes.size).toBe(1);
  await ask('d0.test');
  expect([probes.size, probed()]).toEqual([2, 10_002]);
});
