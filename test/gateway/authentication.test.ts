/** Authentication through a whole session: what each check hands to the next, and what is told to those behind us. */
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/policy/facts.ts';
import { rehearsalOf } from '../support/rehearsal.ts';
import { ed25519Key, sealed, signed } from '../support/signing.ts';

const POLICY = `policy: inbound
lists:
  sealers: { kind: domain, values: [list.example] }
checks:
  mail: [{ spf: {} }]
  data: [{ dkim: {} }, { arc: { trusted_sealers: lists.sealers } }, { dmarc: {} }]
rules: {}
`;
const key = ed25519Key();
const dns = {
  'bank.example': [{ TXT: 'v=spf1 ip4:192.0.2.1 -all' }],
  '_dmarc.bank.example': [{ TXT: 'v=DMARC1; p=reject' }],
  's1._domainkey.bank.example': [{ TXT: key.record }],
  'list.example': [{ TXT: 'v=spf1 ip4:192.0.2.9 -all' }],
  'arc._domainkey.list.example': [{ TXT: key.record }],
  'slow.example': ['TIMEOUT'],
  '_dmarc.slow.example': [{ TXT: 'v=DMARC1; p=reject' }],
};
const play = rehearsalOf(POLICY);
const text = (from: string) => `From: Bank <${from}>\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nBody.\r\n`;
const plain = text('a@bank.example');
const bySigner = await signed(plain, 'bank.example', key);
const byList = (await sealed(plain, 'list.example', key, 'dmarc=pass header.from=bank.example')).replace(
  '\r\nSubject',
  '\r\nX: y\r\nSubject',
);

interface Session {
  readonly ip?: string;
  readonly from?: string;
  readonly raw?: string;
}
async function told({ ip = '203.0.113.9', from = 'a@bank.example', raw = plain }: Session) {
  const { record, admission } = await play({
    ...{ client_ip: ip, helo: 'client.example', mail_from: from, rcpt: ['b@example.net'], raw, dns },
    now: '2026-11-22T10:00:00Z',
  });
  const field = admission?.entries[0]?.prefix.replace(/\r\n[ \t]/g, ' ').match(/Authentication-Results: (.*)\r\n/)?.[1];
  return { facts: record.facts, field: field ?? '', edits: admission?.entries[0]?.edits ?? [] };
}
const words = (facts: Facts) => {
  const at = (root: string, name: string) => (facts[root] as { readonly [fact: string]: unknown } | undefined)?.[name];
  return [
    at('spf', 'result'),
    at('dkim', 'result'),
    at('arc', 'trusted'),
    at('dmarc', 'result'),
    at('from', 'verified'),
  ];
};

describe('authentication', () => {
  test.each<[string, Session, unknown[]]>([
    ['the domain itself sends', { ip: '192.0.2.1' }, ['pass', 'none', false, 'pass', true]],
    [
      'a forwarder sends what the domain signed',
      { from: 'x@list.example', ip: '192.0.2.9', raw: bySigner },
      ['pass', 'pass', false, 'pass', true],
    ],
    ['somebody else says so', {}, ['fail', 'none', false, 'fail', false]],
    [
      'a trusted list saw it pass',
      { from: 'x@list.example', ip: '192.0.2.9', raw: byList },
      ['pass', 'none', true, 'fail', false],
    ],
    [
      'DNS is silent',
      { from: 'a@slow.example', raw: text('a@slow.example') },
      ['temperror', 'none', false, 'temperror', false],
    ],
    [
      'two From fields',
      { ip: '192.0.2.1', raw: `From: c@other.example\r\n${plain}` },
      ['pass', 'none', false, 'fail', false],
    ],
  ])('%s', async (_name, session, expected) => {
    expect(words((await told(session)).facts)).toEqual(expected);
  });

  test('those behind us are told what was found', async () => {
    const { field } = await told({ ip: '192.0.2.1', raw: bySigner });
    expect(field).toBe(
      'mx.example.net; spf=pass smtp.mailfrom=a@bank.example; dkim=pass header.d=bank.example header.s=s1 header.a=ed25519-sha256; arc=none; dmarc=pass header.from=bank.example',
    );
  });

  test('a field that claims to be ours is taken off, one of another stays', async () => {
    const forged =
      'Authentication-Results: (x) MX.example.net 1; dmarc=pass\r\nAuthentication-Results: other.example; dmarc=pass\r\n';
    const { edits } = await told({ raw: forged + plain });
    expect(edits).toEqual([{ kind: 'removeField', index: 0 }]);
  });

  test.each([
    ['behind a form feed', '\x0cAuthentication-Results: mx.example.net; dmarc=pass\r\n'],
    ['folded beneath a line that is no field', 'x\r\n Authentication-Results: MX.example.net; dmarc=pass\r\n'],
    ['in quotes', '\x0bauthentication-results : (x) "mx.example.\\net"; dmarc=pass\r\n'],
  ])('a line that is no field and claims to be ours is taken off: %s', async (_name, forged) => {
    const other = 'y\r\n Authentication-Results: other.example; dmarc=pass\r\n';
    const { edits } = await told({ raw: other + forged + plain });
    expect(edits).toEqual([{ kind: 'removeStray', index: 1 }]);
  });
});
