import { describe, expect, test } from 'vitest';
import { jsonLine, jsonText } from '../../src/record/jsonl.ts';
import { recordLine } from '../../src/record/line.ts';
import type { RecordEvent, TransactionRecord } from '../../src/record/record.ts';
import { tell } from '../../src/record/tell.ts';
import { recordView } from '../../src/record/view.ts';
import { aRecord, RECORD_ID, RULES } from '../support/record.ts';

const told = (record: TransactionRecord, events: readonly RecordEvent[] = []): string =>
  tell(recordView(record, events, { rules: RULES }));
const story = told(aRecord());
const only = (record: TransactionRecord, number: number): TransactionRecord => ({
  ...record,
  recipients: record.recipients.filter((recipient) => recipient.number === number),
});

describe('the story of a record', () => {
  test('its first three lines say who, what and why', () => {
    expect(told(only(aRecord(), 2)).split('\n').slice(0, 3)).toEqual([
      'who   192.0.2.10 (mail.example.net), EHLO mail.example.net, TLSv1.3, at listener mx',
      'what  from <alice@example.net> to <carol@example.com>, "Offer", 1.2 KiB',
      'why   quarantined at data by rule dmarc-hold (policies/inbound.yaml:44), as dmarc.result is not known, ' +
        `"DMARC example.net: not aligned", answered 250 2.0.0 queued as ${RECORD_ID}`,
    ]);
  });

  test('with several recipients it counts the verdicts and gives each a line of its own', () => {
    expect(story).toContain('why   1 quarantined, 1 accepted; <carol@example.com> by rule dmarc-hold');
    expect(story).toMatch(/^ {2}\.1 {2}<bob@example.com> accepted at content as no rule ended it/m);
  });

  test('the stages stand in their order', () => {
    const places = ['\nconnect', '\nhelo', '\nmail', '\nrcpt', '\ndata', '\ncontent'].map((head) =>
      story.indexOf(head),
    );
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  const lines: readonly [string, RegExp][] = [
    ['a check with its facts', /check {2}spf {2}3 ms {2}result=pass domain=example\.net$/m],
    ['what it asked of DNS', /dns {2}TXT {2}example\.net {2}"v=spf1 .*" {2}\(ttl 300, cached, AD, from 127/],
    ['what else it saw', /saw {2}mechanism=ip4:192\.0\.2\.0\/24$/m],
    ['a check that did not answer', /check {2}dmarc {2}timed out {2}no answer within 5 s$/m],
    ['an answer that never came', /dns {2}TXT {2}_dmarc\.example\.net {2}failed: timeout$/m],
    ['a name that does not exist', /zen\.example {2}NXDOMAIN {2}\(ttl 60/],
    ['what its silence meant', /silent {4}dmarc did not answer, on_error: skip$/m],
    [
      'a rule that did not hold, and the facts it read',
      /no {2}reject {2}listed-client .*:31 {2}dnsbl\.score >= 4 {2}<- dnsbl\.score is 0$/m,
    ],
    ['a rule that held', /HELD {4}allow .*partners/],
    ['a rule that was passed over, and by whose word', /passed .*dmarc-hold .*\(allowed by partners\)$/m],
    ['a rule in monitor mode', /would .*new-idea .*message\.hops is 1 \(mode monitor: ended nothing\)$/m],
    ['a field that was added', /adds {6}X-Partner: yes {2}\(rule:partners\)$/m],
    ['equal answers once, counted', /answered {2}250 2\.1\.5 recipient ok \(2 times\)$/m],
  ];
  test.each(lines)('it shows %s', (_what, line) => {
    expect(story).toMatch(line);
  });

  test('recipients who fared alike are told once', () => {
    const [, carol] = aRecord().recipients;
    const crowd = [2, 3, 4, 5].map((number) => ({ ...carol!, number, address: `r${number}@example.com` }));
    const crowded = told(aRecord({ recipients: crowd }));
    expect(crowded).toContain('  to <r2@example.com> .2, <r3@example.com> .3, <r4@example.com> .4 and 1 more\n');
    expect(crowded.match(/HELD {2}quarantine/g)).toHaveLength(1);
  });

  test('it shows what was changed, and what it was about', () => {
    const [bob] = aRecord().recipients;
    const story = told(
      aRecord({
        recipients: [
          {
            ...bob!,
            modifications: [
              { kind: 'removeHeader', name: 'X-Spam-Flag', by: 'rule:off' },
              { kind: 'tagSubject', tag: '[SPAM]', by: 'rule:tag' },
              { kind: 'redirect', address: 'first@example.net', by: 'rule:one' },
              { kind: 'redirect', address: 'desk@example.net', by: 'rule:two' },
            ],
            removed: [{ part: '2', name: 'a.exe', type: 'application/zip', size: 9, sha256: 'ab', by: 'rule:strip' }],
            copies: [
              { number: 3, address: 'archive@example.net', kind: 'bcc', by: 'rule:copy' },
              { number: 4, address: 'bob@example.com', kind: 'original', by: 'rule:strip' },
            ],
          },
        ],
      }),
    );
    expect(story).toContain(
      [
        '    takes off X-Spam-Flag',
        '    tags      [SPAM] before the subject',
        '    strips    part 2, "a.exe", application/zip, 9 octets  (rule:strip)',
        '    redirects to <desk@example.net>  (rule:two)',
        '    copies    to <archive@example.net> as .3  (rule:copy)',
        '    keeps     the message as it came, as .4  (rule:strip)',
      ].join('\n'),
    );
    expect(story).not.toContain('first@example.net');
  });

  test('what came later stands at the end', () => {
    const at = Date.UTC(2026, 10, 22, 3, 5);
    const event: RecordEvent = {
      recordId: RECORD_ID,
      at,
      recipient: 1,
      kind: 'delivered',
      by: 'mail1:25',
      text: '250 ok',
    };
    expect(told(aRecord(), [event])).toMatch(
      /\nlater\n {2}2026-11-22 03:05:00\.000 UTC {2}delivered {2}\.1 {2}mail1:25 {2}250 ok\n$/,
    );
  });

  test('a session that ended before any recipient says where and why', () => {
    const reply = { code: 554, enhanced: '5.7.1', text: `(ref ${RECORD_ID}) listed` };
    const end = {
      verdict: 'reject',
      rule: 'listed-client',
      reason: 'rule:listed-client',
      stage: 'connect',
      reply,
    } as const;
    const rules = [{ rule: 0, truth: 'yes', came: 'held' }] as const;
    const record = aRecord({
      recipients: [],
      message: null,
      stages: ['connect'],
      session: { decisions: [{ stage: 'connect', rules, outages: [] }], calls: {}, end },
    });
    expect(told(record).split('\n')[2]).toBe(
      `why   rejected at connect by rule listed-client (policies/inbound.yaml:31), as dnsbl.score is 0: 554 5.7.1 (ref ${RECORD_ID}) listed`,
    );
  });

  test.each([
    ['builtin:unknown-recipient', 'by the gateway itself (builtin:unknown-recipient)'],
    ['on_error:dmarc', 'because the check dmarc did not answer'],
    ['otherwise', 'as no rule ended it'],
  ])('the reason %s reads "%s"', (reason, words) => {
    const record = only(aRecord(), 2);
    const recipients = record.recipients.map((recipient) => ({ ...recipient, rule: '', reason }));
    expect(told({ ...record, recipients })).toContain(words);
  });

  test('the story can be told without the policy, by numbers', () => {
    expect(tell(recordView(aRecord(), [], undefined))).toMatch(/HELD .*rule 1 .*always/);
  });
});

/** Everything a peer can say, said with terminal escapes, line breaks and writing turned round. */
const EVIL = 'x\x1b]0;owned\x07\x1b[2J\r\nHELD  accept  forged\u202e\x9b31m\u2028y';
const poisoned = JSON.parse(
  JSON.stringify(aRecord(), (key, value: unknown) =>
    typeof value === 'string' && !['stage', 'verdict', 'came', 'truth', 'kind', 'outcome', 'status', 'to'].includes(key)
      ? `${value}${EVIL}`
      : value,
  ),
) as TransactionRecord;
const evilView = recordView({ ...poisoned, stages: aRecord().stages }, [], { rules: RULES });

describe('text from outside', () => {
  test.each([
    ['the story', tell(evilView)],
    ['the line', recordLine(evilView)],
    ['the line of JSON', jsonLine(evilView)],
    ['the JSON text', jsonText(evilView)],
  ])('%s lets no control character and no turned writing through', (_what, text) => {
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/);
    expect(text).not.toMatch(/^HELD {2}accept {2}forged/m);
  });

  test('the line is one line, and JSON reads back the very same text', () => {
    expect(recordLine(evilView).split('\n')).toHaveLength(2);
    expect(jsonLine(evilView).split('\n')).toHaveLength(2);
    expect(JSON.parse(jsonLine(evilView))).toEqual(JSON.parse(JSON.stringify(evilView)));
  });
});

describe('one line a record', () => {
  test('it says when, which, who, and how it ended for each', () => {
    expect(recordLine(recordView(aRecord(), [], undefined))).toBe(
      `2026-11-22T03:04:05Z  ${RECORD_ID}  192.0.2.10       <alice@example.net> -> <bob@example.com> accept (otherwise), ` +
        '-> <carol@example.com> quarantine (rule:dmarc-hold)\n',
    );
  });
});
