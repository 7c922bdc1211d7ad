/** `explain` and the gateway leave the same record for the same input, and the rules asked again over a record say the same. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { digest } from '../../src/main/configure.ts';
import { openRehearsals } from '../../src/main/rehearsals.ts';
import { policyFromBundle } from '../../src/policy/load-policy.ts';
import { comparable } from '../../src/record/comparable.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { rerun } from '../../src/record/rerun.ts';
import type { Scenario, Zones } from '../../src/record/scenario.ts';
import { play, resolverOver, sound, type TestGateway, testGateway } from '../support/gateway.ts';
import { ed25519Key, sealed, signed } from '../support/signing.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';

const COUNT = 240;
const current = sound('fixtures/everything/postern.yaml');
const key = ed25519Key();

const ZONES: Zones = {
  'good.example': [{ TXT: 'v=spf1 ip4:192.0.2.10 ip6:2001:db8::/32 ~all' }, { MX: [10, 'mx.good.example'] }],
  '_dmarc.good.example': [{ TXT: 'v=DMARC1; p=reject' }],
  'mx.good.example': [{ A: '192.0.2.10' }, { AAAA: '2001:db8::1' }],
  '10.2.0.192.in-addr.arpa': [{ PTR: 'mx.good.example' }],
  'partner.example': [{ TXT: 'v=spf1 -all' }, { MX: [10, 'mx.good.example'] }],
  '_dmarc.partner.example': [{ TXT: 'v=DMARC1; p=quarantine' }],
  's1._domainkey.partner.example': [{ TXT: key.record }],
  'arc._domainkey.lists.example.org': [{ TXT: key.record }],
  'lists.example.org': [{ TXT: 'v=spf1 ip4:198.51.100.5 -all' }, { A: '198.51.100.5' }],
  'a.lists.example.org': [{ A: '198.51.100.5' }],
  '5.100.51.198.in-addr.arpa': [{ PTR: 'a.lists.example.org' }],
  'null.example': [{ MX: [0, '.'] }, { TXT: 'v=spf1 -all' }],
  'slow.example': ['TIMEOUT'],
  '_dmarc.slow.example': ['TIMEOUT'],
  'broken.example': [{ MX: [10, 'mx.good.example'] }, 'SERVFAIL'],
  '9.113.0.203.in-addr.arpa': ['TIMEOUT'],
  '2.0.0.127.bl.example': [{ A: '127.0.0.2' }],
  '2.0.0.127.wl.example': [{ A: '127.0.0.1' }],
  '66.2.0.192.bl.example': [{ A: '127.0.0.2' }],
  '67.2.0.192.bl.example': [{ A: '127.0.0.4' }],
  '68.2.0.192.bl.example': [{ A: '127.0.0.2' }, { A: '127.0.0.4' }, { A: '127.255.255.254' }],
  '10.2.0.192.wl.example': [{ A: '127.0.2.1' }],
};

const CLIENTS = [
  '192.0.2.10',
  '192.0.2.66',
  '192.0.2.67',
  '192.0.2.68',
  '198.51.100.5',
  '198.51.100.9',
  '203.0.113.9',
  '2001:db8::1',
];
const HELOS = ['mx.good.example', 'mx1.example.com', '[192.0.2.10]', 'localhost', 'slow.example', 'no such name'];
const SENDERS = [
  '',
  'a@good.example',
  'x@partner.example',
  'list@lists.example.org',
  'n@null.example',
  's@slow.example',
  'b@broken.example',
  'e@example.com',
  '"odd one"@good.example',
];
const RCPTS = [
  ['bob@example.com'],
  ['bob@example.com', 'carol@example.com', 'nobody@example.com'],
  ['bob+archive@example.com', 'x@example.org'],
  ['postmaster@example.com'],
  ['x@example.org', 'x@example.org', 'x@example.org'],
  ['stranger@elsewhere.example'],
  ['nobody@example.com'],
  [],
];

const mail = (from: string, subject: string, more = ''): string =>
  `${more}From: ${from}\r\nTo: bob@example.com\r\nSubject: ${subject}\r\nMessage-ID: <1@x.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nHello.\r\n.dot\r\n`;

let messages: (string | undefined)[] = [];
let gateway: TestGateway;
beforeAll(async () => {
  const partner = await signed(mail('P <p@partner.example>', 'hello'), 'partner.example', key);
  messages = [
    undefined,
    mail('A <a@good.example>', 'hi'),
    mail('A <a@good.example>', 'lottery winner'),
    mail('e@example.com', 'spoof'),
    mail('a@good.example, b@good.example', 'two authors'),
    mail('s@slow.example', 'slow'),
    partner,
    partner.replace('Hello.', 'Hello. (changed by a list)'),
    await sealed(
      partner.replace('Subject:', 'List-Id: <l.lists.example.org>\r\nSubject:'),
      'lists.example.org',
      key,
      'dkim=pass; dmarc=pass',
    ),
    mail(
      'A <a@good.example>',
      '=?utf-8?q?hold_me?=',
      'Received: from x by y; Sun, 22 Nov 2026 09:00:00 +0000\r\n'.repeat(3),
    ),
    mail('A <a@good.example>', 'forged', 'Authentication-Results: mx1.example.com; dmarc=pass\r\n'),
    `Subject: no author\r\n\r\nbare\nline\r\n`,
    mail('A <a@good.example>', 'loop', 'Received: from x by y; Sun, 22 Nov 2026 09:00:00 +0000\r\n'.repeat(101)),
    `\x00\r\n\r\nnul\r\n`,
  ];
  gateway = await testGateway(current, resolverOver(ZONES));
});
afterAll(() => gateway.stop());

/** A small generator of its own, so that a failure can be named by its number. */
function scenarioOf(seed: number): Scenario {
  let x = (seed * 2654435761) >>> 0;
  const pick = <T>(from: readonly T[]): T => {
    x = (Math.imul(x ^ (x >>> 15), 2246822519) + 3266489917) >>> 0;
    return from[x % from.length]!;
  };
  const raw = pick(messages);
  return {
    client_ip: pick(CLIENTS),
    helo: pick(HELOS.slice(0, 5)),
    mail_from: pick(SENDERS),
    rcpt: pick(RCPTS),
    ...(raw === undefined ? {} : { raw }),
    dns: ZONES,
    state: 'fresh',
    now: '2026-11-22T10:00:00Z',
  };
}

describe('explain and the gateway', () => {
  test(`leave the same record for ${COUNT} scenarios, and the rules over each record say it again`, async () => {
    const rehearsals = openRehearsals(current);
    const store = await openStore(join(temporaryFolder(), 'store'));
    const reasons = new Map<string, number>();
    const kept: string[] = [];
    for (let seed = 1; seed <= COUNT; seed++) {
      const scenario = scenarioOf(seed);
      gateway.state = new MemoryState();
      gateway.records.length = 0;
      await play(gateway.port, scenario);
      const real = await settled(gateway);
      const { record } = await rehearsals.start()(scenario);
      expect(comparable(record), `scenario ${seed}`).toEqual(comparable(real));
      expectSame(real);
      store.records.append(real, []);
      kept.push(real.id);
      for (const { reason } of real.recipients) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    // As they lie on disk and are read again, in whatever form.
    await store.records.flush();
    for (const id of kept) expectSame((await store.records.get(id))!.record);
    await store.close();
    expect(gateway.errors).toEqual([]);
    // The comparison is worth what it covers.
    expect([...reasons.keys()].sort()).toEqual(
      expect.arrayContaining([
        'otherwise',
        'rule:listed-client',
        'rule:dmarc-refuse',
        'rule:partner-mail',
        'rule:greylisted',
        'builtin:unknown-recipient',
        'builtin:relay-denied',
        'builtin:bare-newline',
      ]),
    );
  }, 60_000);
});

/** The transaction's record, or the connection's: whichever the session left, once it has. */
async function settled({ records }: TestGateway): Promise<TransactionRecord> {
  const wanted = () => records.filter(({ facts }) => (facts.client as { readonly ip: string }).ip !== '127.0.0.1');
  while (wanted().length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(wanted()).toHaveLength(1);
  return wanted()[0]!;
}

function expectSame(record: TransactionRecord): void {
  const policy = policyFromBundle(current.policies.get('everything')!.bundle, CHECKS, digest);
  const again = rerun(JSON.parse(JSON.stringify(record)) as TransactionRecord, policy);
  expect(again.session).toEqual(
    record.session.end === null
      ? null
      : { verdict: record.session.end.verdict, reason: record.session.end.reason, stage: record.session.end.stage },
  );
  expect(again.recipients).toEqual(
    record.recipients.map(({ number, verdict, reason, stage }) => ({ number, verdict, reason, stage })),
  );
}
