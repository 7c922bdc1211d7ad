/** Our DNS client, and the checks over it, against unbound and rbldnsd. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DnsClient } from '../../src/adapters/dns/client.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { dnsbl } from '../../src/checks/dnsbl.ts';
import { helo } from '../../src/checks/helo.ts';
import { rdns } from '../../src/checks/rdns.ts';
import { senderDomain } from '../../src/checks/sender-domain.ts';
import type { DnsAnswer, DnsType } from '../../src/ports/resolver.ts';
import { runOn } from '../support/check-bench.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('unbound', 'rbldnsd');

describe.skipIf(missing !== '')('with unbound and rbldnsd', () => {
  const daemons: Daemon[] = [];
  let server = '';
  let client: DnsClient;
  let ahead = 0;

  beforeAll(async () => {
    const rbl = await startDaemon('rbldnsd');
    daemons.push(rbl);
    const unbound = await startDaemon('unbound', { RBL: String(rbl.port) });
    daemons.push(unbound);
    server = `127.0.0.1:${unbound.port}`;
    client = new DnsClient({
      servers: [server],
      timeout: 1500,
      elapsed: () => performance.now() + ahead,
      log: silentLog,
    });
  });
  afterAll(async () => {
    client?.close();
    for (const daemon of daemons) await daemon.stop();
  });

  const ask = (name: string, type: DnsType = 'A') => client.resolve(name, type, new AbortController().signal);
  const say = (answer: DnsAnswer): string => {
    if (answer.kind === 'failed') return `failed ${answer.cause} ${answer.rcode}`.trim();
    if (answer.kind === 'empty') return `${answer.rcode} ${answer.why}`;
    return answer.records.map(({ type: _, ...rest }) => Object.values(rest).join(' ')).join(' | ');
  };

  test.each<[string, DnsType, string]>([
    ['mx1.mail.test', 'A', '127.0.0.1'],
    ['mx1.mail.test', 'AAAA', '::1'],
    ['Mail.Test.', 'MX', '10 mx1.mail.test'],
    ['mail.test', 'TXT', 'v=spf1 ip4:127.0.0.0/8 -all'],
    ['mail.test', 'SOA', '45'],
    ['1.0.0.127.in-addr.arpa', 'PTR', 'mx1.mail.test'],
    ['mail.test', 'A', 'NOERROR noData'],
    ['gone.mail.test', 'A', 'NXDOMAIN noSuchName'],
    ['www.example.com', 'A', 'NXDOMAIN noSuchName'],
    ['www.refused.test', 'A', 'failed refused REFUSED'],
    ['www.dead.test', 'A', 'failed servfail SERVFAIL'],
    ['www.silent.test', 'A', 'failed timeout'],
    ['2.0.0.127.bl.test', 'A', '127.0.0.2'],
    ['7.100.51.198.bl.test', 'TXT', 'exploited host 198.51.100.7'],
  ])('%s %s: %s', async (name, type, expected) => {
    expect(say(await ask(name, type))).toBe(expected);
  });

  test('nine texts of 200 octets do not fit into UDP and come by TCP', async () => {
    const answer = await ask('big.mail.test', 'TXT');
    expect(answer.kind === 'found' && answer.records.length).toBe(9);
  });

  test('an answer is kept for its TTL, "no such name" for the last field of the SOA', async () => {
    expect(await ask('mail.test', 'MX')).toMatchObject({ kind: 'found', cached: true, server });
    expect(await ask('other.mail.test')).toMatchObject({ kind: 'empty', cached: false, ttl: 45 });
    ahead += 44_000;
    expect(await ask('other.mail.test')).toMatchObject({ kind: 'empty', cached: true });
    expect((await ask('mail.test', 'MX')).ttl).toBeLessThanOrEqual(16);
    ahead += 16_000;
    expect(await ask('other.mail.test')).toMatchObject({ cached: false });
    expect(await ask('mail.test', 'MX')).toMatchObject({ cached: false, ttl: 60 });
  });

  test('200 questions at once are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(`n${n}.example`)));
    expect(new Set(answers.map(say))).toEqual(new Set(['NXDOMAIN noSuchName']));
  });

  describe('the check dnsbl', () => {
    const codes = { '127.0.0.2': 4, '127.0.0.4-7': 5 };
    const run = async (ip: string, ...zones: readonly string[]) => {
      const lists = Object.fromEntries(zones.map((name) => [name, { zone: `${name}.test`, codes }]));
      return runOn(dnsbl, { resolver: client, facts: { client: { ip } }, written: { lists } });
    };
    test.each<[string, readonly string[], object]>([
      ['192.0.2.1', ['bl'], { score: 4, listed_by: ['bl'], failed: [] }],
      ['192.0.2.5', ['bl'], { score: 0, listed_by: [], failed: [] }],
      ['198.51.100.7', ['bl'], { score: 5, answers: [{ list: 'bl', code: '127.0.0.4' }] }],
      ['198.51.100.9', ['bl'], { score: 0, failed: ['bl'] }],
      ['198.51.100.10', ['bl'], { score: 0, failed: ['bl'] }],
      ['2001:db8:bad::7', ['bl6'], { score: 4, listed_by: ['bl6'], failed: [] }],
      ['2001:db8:900d::7', ['bl6'], { score: 0, listed_by: [], failed: [] }],
      [
        '192.0.2.1',
        ['world', 'nobody', 'dead', 'refused', 'silent', 'bl'],
        { score: 4, failed: ['world', 'nobody', 'dead', 'refused', 'silent'] },
      ],
    ])('%s on %j', async (ip, zones, expected) => {
      expect((await run(ip, ...zones)).facts).toMatchObject(expected);
    });

    test('says why a list is out of use', async () => {
      expect((await run('192.0.2.1', 'world', 'nobody')).evidence).toEqual({
        world: 'out of use: it lists 127.0.0.1',
        nobody: 'out of use: it does not list 127.0.0.2',
      });
    });

    test('a list that holds IPv4 alone has nothing to say about IPv6', async () => {
      expect((await run('2001:db8::7', 'bl')).facts).toMatchObject({ score: 0, failed: [] });
    });
  });

  test('the checks rdns, helo and sender_domain', async () => {
    const facts = { client: { ip: '127.0.0.1' }, mail: { domain: 'mail.test' } };
    const on = { resolver: client, facts };
    expect((await runOn(rdns, on)).facts).toEqual({ result: 'pass', name: 'mx1.mail.test' });
    expect((await runOn(helo, { ...on, helo: 'mx1.mail.test' })).facts).toMatchObject({
      resolves: true,
      matches: true,
    });
    expect((await runOn(senderDomain, on)).facts).toEqual({ result: 'ok' });
    const dead = { mail: { domain: 'dead.test' } };
    expect((await runOn(senderDomain, { resolver: client, facts: dead })).facts).toEqual({ result: 'temperror' });
  });
});
