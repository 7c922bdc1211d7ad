/** Whoever runs slow name servers, or breaks a check of ours, must not talk DMARC or greylisting out of a result. */
import { describe, expect, test } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import type { DnsAnswer, Resolver } from '../../src/ports/resolver.ts';
import { rehearsalOf } from '../support/rehearsal.ts';
import { ed25519Key, signed } from '../support/signing.ts';

const POLICY = `policy: inbound
checks:
  connect: [{ rdns: {} }]
  mail: [{ spf: { timeout: 500ms } }]
  rcpt: [{ greylist: {} }]
  data: [{ dkim: { timeout: 500ms } }, { dmarc: { on_error: defer } }]
rules:
  rcpt:
    - name: greylisted
      when: "greylist.result == 'wait'"
      note: "not met before"
  data:
    - name: undecidable
      when: "dmarc.result == 'temperror'"
      defer: { code: 451, enhanced: 4.4.3, text: "later" }
    - name: refused
      when: "dmarc.result == 'fail'"
      reject: { code: 550, enhanced: 5.7.26, text: "no" }
`;
const key = ed25519Key();
const dns = {
  'evil.example': [{ TXT: 'v=spf1 include:never1.example include:never2.example -all' }],
  'quick.example': [{ TXT: 'v=spf1 -all' }],
  '_dmarc.bank.example': [{ TXT: 'v=DMARC1; p=reject' }],
  's1._domainkey.bank.example': [{ TXT: key.record }],
  's1._domainkey.one.example': [{ TXT: key.record }],
};
const text = 'From: Bank <a@bank.example>\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nBody.\r\n';
const scenario = (from: string, raw: string) => ({
  ...{ client_ip: '203.0.113.9', helo: 'client.example', mail_from: from, rcpt: ['b@example.net'], raw, dns },
  now: '2026-11-22T10:00:00Z',
});

/** Names with `never` in them are answered by nobody, as long as anybody waits. */
const silent = (zones: Resolver): Resolver => ({
  resolve: (name, type, signal) =>
    name.includes('never')
      ? new Promise<DnsAnswer>((resolve) => {
          const give = () => resolve(unanswered(name, type));
          if (signal.aborted) give();
          else signal.addEventListener('abort', give, { once: true });
        })
      : zones.resolve(name, type, signal),
});
const unanswered = (name: string, type: DnsAnswer['type']): DnsAnswer => ({
  ...{ kind: 'failed', name, type, rcode: '', cause: 'cancelled', cached: false, ttl: 0, secure: false, server: '' },
});

async function junkSigned(count: number): Promise<string> {
  let raw = text;
  for (let n = 0; n < count; n++) raw = await signed(raw, `never${n}.example`, key);
  return raw;
}

describe('slow name servers', () => {
  const play = rehearsalOf(POLICY, undefined, CHECKS, silent);

  test('keys that nobody tells leave dkim an answer, and a forgery is refused', async () => {
    const { record } = await play(scenario('x@quick.example', await junkSigned(4)));
    expect(record.facts).toMatchObject({
      dkim: { status: 'completed', result: 'temperror' },
      dmarc: { status: 'completed', result: 'fail', policy: 'reject' },
    });
    expect(record.recipients).toMatchObject([{ verdict: 'reject', reason: 'rule:refused' }]);
  });

  test('an SPF record whose includes nobody answers is temperror, greylisting goes by the network', async () => {
    const { record } = await play(scenario('x@evil.example', text));
    expect(record.facts).toMatchObject({
      spf: { status: 'completed', result: 'temperror', domain: 'evil.example' },
      dmarc: { status: 'completed', result: 'fail' },
    });
    expect(record.recipients).toMatchObject([
      { facts: { greylist: { status: 'completed', result: 'wait', key: 'net:203.0.113.0/24' } }, verdict: 'reject' },
    ]);
  });
});

test('keys are asked for together', async () => {
  const waiting: (() => void)[] = [];
  // Answers only when both keys have been asked for.
  const together = (zones: Resolver): Resolver => ({
    resolve: async (name, type, signal) => {
      if (name.includes('_domainkey')) {
        const both = new Promise<void>((resolve) => waiting.push(resolve));
        if (waiting.length === 2) for (const go of waiting) go();
        await Promise.race([both, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      }
      return zones.resolve(name, type, signal);
    },
  });
  const raw = await signed(await signed(text, 'one.example', key), 'bank.example', key);
  const { record } = await rehearsalOf(POLICY, undefined, CHECKS, together)(scenario('x@quick.example', raw));
  expect(record.facts).toMatchObject({ dkim: { result: 'pass', domains: ['bank.example', 'one.example'] } });
});

describe('a check of ours that fails', () => {
  const without = (name: string) => {
    const check = CHECKS.get(name)!;
    const broken = { ...check, run: () => Promise.reject(new Error('a bug of ours')) };
    return rehearsalOf(POLICY, undefined, new Map([...CHECKS, [name, broken]]));
  };

  test('leaves DMARC undecided, never silent: dkim', async () => {
    const { record } = await without('dkim')(scenario('x@quick.example', text));
    expect(record.facts).toMatchObject({ dkim: { status: 'failed' }, dmarc: { result: 'temperror' } });
    expect(record.recipients).toMatchObject([{ verdict: 'defer', reason: 'rule:undecidable' }]);
  });

  test('leaves DMARC undecided where SPF could have been aligned', async () => {
    const { record } = await without('spf')(scenario('x@bank.example', text));
    expect(record.facts).toMatchObject({ spf: { status: 'failed' }, dmarc: { result: 'temperror' } });
    expect(record.recipients).toMatchObject([
      { facts: { greylist: { status: 'completed', result: 'wait' } }, verdict: 'defer' },
    ]);
  });

  test('changes nothing where SPF could not have helped', async () => {
    const { record } = await without('spf')(scenario('x@quick.example', text));
    expect(record.facts).toMatchObject({ spf: { status: 'failed' }, dmarc: { result: 'fail' } });
  });
});
