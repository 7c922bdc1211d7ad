/** The check arc: whose chain is believed, and what DNS trouble means. */
import { describe, expect, test } from 'vitest';
import { arc } from '../../src/checks/arc.ts';
import { runOn } from '../support/check-bench.ts';
import { ed25519Key, sealed, signed } from '../support/signing.ts';

const key = ed25519Key();
const plain = 'From: Alice <a@author.example>\r\nSubject: Hello\r\n\r\nBody.\r\n';
const keys = (...domains: string[]) =>
  Object.fromEntries(domains.map((domain) => [`arc._domainkey.${domain}`, [{ TXT: key.record }]]));
const zones = { ...keys('list.example', 'relay.example'), 'arc._domainkey.slow.example': ['TIMEOUT'] };
const sealers = (...domains: string[]) => ({ trusted_sealers: { has: (domain: string) => domains.includes(domain) } });
const check = (message: string, options: object = {}, from = 'author.example') =>
  runOn(arc, { zones, options, facts: { from: { domain: from } }, message: Buffer.from(message) });

const saw = 'dmarc=pass header.from=author.example';
const byList = await sealed(plain, 'list.example', key, saw);
const byRelay = await sealed(byList, 'relay.example', key, 'arc=pass; dmarc=fail header.from=author.example', {
  cv: 'pass',
});

const byFailed = await sealed(byList, 'relay.example', key, 'arc=fail', { cv: 'fail' });

describe('arc', () => {
  test('a message without a chain asks nothing', async () => {
    const { facts, asked } = await check(plain);
    expect(facts).toEqual({ result: 'none', trusted: false, sealer: '' });
    expect(asked).toEqual([]);
  });

  test.each([
    ['nobody is listed', byList, {}, false],
    ['the sealer is listed', byList, sealers('list.example'), true],
    ['another is listed', byList, sealers('relay.example'), false],
    ['both of two are listed', byRelay, sealers('list.example', 'relay.example'), true],
    ['only the older of two is listed', byRelay, sealers('list.example'), false],
    ['only the newer of two is listed, which saw no pass', byRelay, sealers('relay.example'), false],
  ])('a chain that passes, and %s', async (_name, message, options, trusted) => {
    const { facts } = await check(message, options);
    expect(facts).toMatchObject({ result: 'pass', trusted });
  });

  test('the sealer is that of the newest seal', async () => {
    expect((await check(byRelay)).facts.sealer).toBe('relay.example');
  });

  test('a pass that was seen for another author counts for nothing', async () => {
    expect((await check(byList, sealers('list.example'), 'other.example')).facts.trusted).toBe(false);
  });

  test.each([
    ['a changed body', byList.replace('Body', 'Bogy')],
    ['a changed From', byList.replace('Alice', 'Mallory')],
    ['forged results', byRelay.replace('dmarc=fail', 'dmarc=pass')],
    ['a missing set', byRelay.replace(/ARC-Seal: i=1;/, 'X-Seal: i=1;')],
    ['a chain that says it failed', byFailed],
  ])('%s fails the chain, and nobody is trusted', async (_name, message) => {
    const { facts, evidence } = await check(message, sealers('list.example', 'relay.example'));
    expect(facts).toEqual({ result: 'fail', trusted: false, sealer: '' });
    expect(evidence.why).not.toBe('');
  });

  test('a key that DNS does not tell is temperror, one that is not there fails', async () => {
    const slow = await check(await sealed(plain, 'slow.example', key, saw));
    expect(slow.facts.result).toBe('temperror');
    expect(slow.evidence.why).toBe('no answer for arc._domainkey.slow.example');
    expect((await check(await sealed(plain, 'absent.example', key, saw))).facts.result).toBe('fail');
  });

  test('a chain of wrong form fails whether DNS answers or not', async () => {
    const slow = (await sealed(plain, 'slow.example', key, saw)).replace('ARC-Seal: i=1;', 'X-Seal: i=1;');
    expect((await check(slow)).facts.result).toBe('fail');
  });

  test('keys of DKIM are not looked up', async () => {
    const { asked, facts } = await check(
      await sealed(await signed(plain, 'author.example', key), 'list.example', key, saw),
    );
    expect(facts.result).toBe('pass');
    expect(asked).toEqual(['TXT arc._domainkey.list.example']);
  });
});
