/** What signatures may cost: header sections and bodies that would keep mailauth busy do not reach it, or reach it cheap. */
import fc from 'fast-check';
import { dkimBody } from 'mailauth/lib/dkim/body/index.js';
import { RelaxedHash } from 'mailauth/lib/dkim/body/relaxed.js';
import { DkimVerifier } from 'mailauth/lib/dkim/dkim-verifier.js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { arc } from '../../src/checks/arc.ts';
import { dkim } from '../../src/checks/dkim.ts';
import { easeRelaxed } from '../../src/checks/relaxed-body.ts';
import { runOn } from '../support/check-bench.ts';
import { ed25519Key, signed } from '../support/signing.ts';

afterEach(() => void vi.restoreAllMocks());

/** Into octets of its own each time. */
const eased = (octets: Buffer): Buffer => easeRelaxed(octets, Buffer.allocUnsafe);
const FROM = 'From: a@one.example\r\n';
const signature = ({ name = 'DKIM-Signature', h = 'From', bh = 'AAAA' } = {}) =>
  `${name}: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=one.example; s=s1; h=${h}; bh=${bh}; b=AAAA\r\n`;
const blanks = ' '.repeat(60_000);

describe('a header section that costs the square of its length', () => {
  test.each<[string, string, RegExp]>([
    ['lines that are no field', `${FROM}${'x\r\n'.repeat(40_000)}${signature()}`, /more than 2000 lines/],
    ['a field of blank lines', `${FROM}X:\r\n${' \r\n'.repeat(21_000)}${signature()}`, /more than 2000 lines/],
    ['signatures that name thousands of fields', FROM + signature({ h: `From${':x'.repeat(3000)}` }), /300 colons/],
    ['blanks in a signature', FROM + signature({ bh: `A${blanks}A` }), /more than 8192 octets/],
    ['fewer blanks in ten', FROM + signature({ bh: `A${' '.repeat(7000)}A` }).repeat(10), /200 blanks/],
    ['folds in a signature', FROM + signature({ bh: `A${'\r\n '.repeat(600)}A` }), /200 blanks/],
    ['a first line that is no field', `a${blanks}b\r\n${FROM}${signature()}`, /more than 8192 octets/],
    [
      'a signature whose name is folded off its colon',
      `${FROM}${signature()}DKIM-Signature\r\n : bh=A${' '.repeat(7000)}A\r\n`,
      /200 blanks/,
    ],
    ['thousands of groups in From', `From: ${'a:b;'.repeat(15_000)}\r\n${signature()}`, /from takes more than 16384/],
    ['blanks behind a signature', `${FROM}${signature()}bh=A${' '.repeat(7000)}A\r\n`, /200 blanks/],
  ])('%s', async (_name, header, why) => {
    const written = vi.spyOn(DkimVerifier.prototype, 'writeAsync');
    const { facts, evidence, asked } = await runOn(dkim, { message: Buffer.from(`${header}\r\nBody\r\n`) });
    expect(facts).toEqual({ result: 'permerror', signatures: [], domains: [] });
    expect(evidence.why).toMatch(why);
    expect(asked).toEqual([]);
    expect(written).not.toHaveBeenCalled();
  });

  test('fails as an ARC chain', async () => {
    const written = vi.spyOn(DkimVerifier.prototype, 'writeAsync');
    const header = FROM + signature({ name: 'ARC-Message-Signature', bh: `A${blanks}A` });
    const { facts, evidence } = await runOn(arc, { message: Buffer.from(`${header}\r\nBody\r\n`) });
    expect(facts.result).toBe('fail');
    expect(evidence.why).toMatch(/8192 octets/);
    expect(written).not.toHaveBeenCalled();
  });

  test('is not one with much of what no signature holds', async () => {
    const key = ed25519Key();
    const zones = { 's1._domainkey.one.example': [{ TXT: key.record }] };
    const long = `Subject: a${blanks}b\r\nTo: ${'a@b.example,\r\n '.repeat(1000)}c@d.example\r\n${FROM}\r\nBody\r\n`;
    const { facts } = await runOn(dkim, { zones, message: Buffer.from(await signed(long, 'one.example', key)) });
    expect(facts.result).toBe('pass');
  });
});

describe('a body', () => {
  test('is hashed in three ways at most', async () => {
    const key = ed25519Key();
    let message = `${FROM}\r\n${'Body \r\n'.repeat(10)}`;
    for (let length = 1; length <= 5; length++)
      message = await signed(message, `l${length}.example`, key, { maxBodyLength: length });
    message = await signed(message, 'l5.example', key, { maxBodyLength: 5 });
    const zones = Object.fromEntries(
      [1, 2, 3, 4, 5].map((length) => [`s1._domainkey.l${length}.example`, [{ TXT: key.record }]]),
    );
    const { facts, evidence } = await runOn(dkim, { zones, message: Buffer.from(message) });
    expect((facts.signatures as { domain: string; result: string }[]).map((one) => [one.domain, one.result])).toEqual([
      ['l5.example', 'pass'],
      ['l5.example', 'pass'],
      ['l4.example', 'pass'],
      ['l3.example', 'pass'],
      ['l2.example', 'neutral'],
      ['l1.example', 'neutral'],
    ]);
    expect(JSON.stringify(evidence.signatures)).toMatch(/beyond 3 body hashes/);
  });

  test('of one long line is hashed once, however many pieces it comes in', async () => {
    const seen = vi.spyOn(RelaxedHash.prototype, 'update');
    const body = 'x'.repeat(100_000);
    const { facts } = await runOn(dkim, { message: Buffer.from(`${FROM}${signature()}\r\n${body}\r\nend`) });
    expect(facts.result).toBe('fail');
    const sizes = seen.mock.calls.map(([piece]) => piece?.length ?? 0).filter((size) => size > 0);
    expect(sizes.length).toBeLessThanOrEqual(3);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(body.length + 5);
  });

  test('made easy has the relaxed hash it had, wherever its pieces end', () => {
    const piece = fc.constantFrom(' ', '  ', '\t', '\r\n', '\r\n\r\n', 'a', 'bc', '\r', ' \r\n', '\t \r\n', 'é');
    const body = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join('')));
    const hash = (octets: Buffer, cut: number, length: number | '', ease: (piece: Buffer) => Buffer) => {
      const hasher = dkimBody('relaxed', 'sha256', length);
      for (let at = 0; at < octets.length; at += cut) hasher.update(ease(octets.subarray(at, at + cut)));
      return [hasher.digest('base64'), hasher.canonicalizedLength];
    };
    const lengths = fc.constantFrom<number | ''>('', 0, 3, 9);
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 20 }), lengths, (octets, cut, length) => {
        expect(hash(octets, cut, length, eased)).toEqual(hash(octets, octets.length + 1, length, (one) => one));
      }),
      { numRuns: 1000 },
    );
  });

  test('of lines that end in blanks reaches mailauth without them', () => {
    expect(eased(Buffer.from(' \r\n\t\r\na \t b  \r\n ')).toString()).toBe('\r\n\r\na b\r\n ');
  });
});
