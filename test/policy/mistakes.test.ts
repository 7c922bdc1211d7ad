import { describe, expect, test } from 'vitest';
import { load } from './catalog.ts';
import { INBOUND } from './inbound.ts';

/** A change to a policy that is right; the text at which the first problem must point; what it says; what mends it. */
type Mistake = readonly [what: string, from: string, to: string, at: string, says: string, remedy: string];

const LISTED = '"dnsbl.score >= 4"';
const MISTAKES: readonly Mistake[] = [
  // Keys and words
  [
    'a misspelt key at the top',
    'settings:  ',
    'setings:  ',
    'setings:',
    '"setings" is not a key',
    'did you mean "settings"?',
  ],
  [
    'a misspelt key of a rule',
    'when: rate_client.exceeded',
    'wen: rate_client.exceeded',
    'wen:',
    '"wen" is not a key',
    'did you mean "when"?',
  ],
  [
    'a misspelt action',
    'defer: { code: 450',
    'defr: { code: 450',
    'defr:',
    '"defr" is not a key',
    'did you mean "defer"?',
  ],
  ['a misspelt stage', 'rules:\n  rcpt:', 'rules:\n  rctp:', 'rctp:', '"rctp" is not a key', 'did you mean "rcpt"?'],
  ['a misspelt option', 'limit: 200', 'limt: 200', 'limt:', '"limt" is not a key', 'did you mean "limit"?'],
  [
    'a word that is no mode',
    '- name: too-fast',
    '- name: too-fast\n      mode: watch',
    'watch',
    '"watch" is not a word',
    'expected one of enforce, monitor, soft',
  ],
  ['a type that is none', 'type: number', 'type: numbr', 'numbr', '"numbr" is not a word', 'did you mean "number"?'],
  [
    'a default out of its bounds',
    'default: 6.0',
    'default: 60',
    '60',
    'the default is above 30',
    'change it or its bounds',
  ],
  ['a duration without its unit', 'window: 10m', 'window: 10', '10 }', 'not a text', 'with its unit'],
  [
    'a reply of the wrong class',
    'defer: { code: 450',
    'defer: { code: 550',
    '550, enhanced: 4.7.1',
    'defer answers 4yz',
    'from 400 to 499',
  ],
  [
    'an action of a later version',
    'allow: { skip: [reputation, greylist, spam] }',
    'delay: { for: 1h }',
    'delay:',
    'the action delay is not available yet',
    'there are: reject, defer',
  ],
  [
    'a mail to whom a stranger names',
    'allow: { skip: [reputation, greylist, spam] }',
    'notify: { to: "{from.address}", text: hello }',
    '"{from.address}"',
    'notify takes no placeholders',
    'a whole address',
  ],
  [
    'a user whom a stranger names',
    'allow: { skip: [reputation, greylist, spam] }',
    'suspend: { user: mail.address, for: 1d }',
    'mail.address, for',
    '"mail.address" is not a word',
    'expected client.user',
  ],
  [
    'a redirect by a placeholder',
    'allow: { skip: [reputation, greylist, spam] }',
    'redirect: "{from.address}"',
    '"{from.address}"',
    'redirect takes no placeholders',
    'write a whole address',
  ],
  [
    'a copy to half an address',
    'allow: { skip: [reputation, greylist, spam] }',
    'bcc: archive',
    'archive',
    '"archive" is no address',
    'write a whole address',
  ],
  [
    'a field that tells where mail came from',
    'allow: { skip: [reputation, greylist, spam] }',
    'remove_header: Received',
    'Received',
    'not for rules to remove',
    'X-Spam-Flag',
  ],
  [
    'a field with the return path',
    'allow: { skip: [reputation, greylist, spam] }',
    'remove_header: return-path',
    'return-path',
    'not for rules to remove',
    'X-Spam-Flag',
  ],
  [
    'a field name with a colon',
    'allow: { skip: [reputation, greylist, spam] }',
    'remove_header: "X-Spam:"',
    '"X-Spam:"',
    'the name of a header field',
    'X-Spam-Flag',
  ],
  [
    'an extension with its dot',
    'allow: { skip: [reputation, greylist, spam] }',
    'strip_attachments: { extensions: [.exe] }',
    '.exe',
    'an extension in small letters',
    'such as exe',
  ],
  [
    'extensions from a list of another kind',
    'allow: { skip: [reputation, greylist, spam] }',
    'strip_attachments: { extensions: lists.partners }',
    'lists.partners }',
    'partners',
    'word',
  ],
  [
    'a discard without its reason',
    'allow: { skip: [reputation, greylist, spam] }',
    'discard: {}',
    'discard',
    'reason',
    'reason',
  ],
  [
    'a tag that names no fact',
    'allow: { skip: [reputation, greylist, spam] }',
    'tag_subject: "[{client.netwrk}]"',
    'client.netwrk',
    'no client.netwrk',
    'did you mean "client.network"?',
  ],
  [
    'two actions in one rule',
    'allow: { skip: [reputation, greylist, spam] }',
    'accept: {}\n      score: 2',
    'score: 2',
    '2 actions: accept, score',
    'write a rule for each',
  ],
  [
    'a rule without an action',
    '      allow: { skip: [reputation, greylist, spam] }\n',
    '',
    'name: partners',
    'does nothing',
    'give it one action',
  ],
  [
    'quarantine before there is a message',
    'reject: { use: blocklisted }',
    'quarantine: { class: spam, reason: x }',
    'quarantine: { class: spam, reason: x }',
    'needs the message',
    'move the rule to data or content',
  ],
  [
    'speak where nothing is kept back',
    'defer: { code: 450',
    'defer: { speak: now, code: 450',
    'speak:',
    'always spoken at once',
    'leave `speak:` out',
  ],
  // Names
  [
    'two rules of one name',
    'name: too-fast',
    'name: listed-client',
    'listed-client\n      group: reputation\n      when: rate',
    'taken in line 38',
    'a name of its own',
  ],
  [
    'two checks of one name',
    '- rate: { as: rate_client,',
    '- rate: { as: rdns,',
    'rdns, key',
    '"rdns" is taken in line 22',
    '`as: rate_2`',
  ],
  [
    'a name that the edge has',
    '- rate: { as: rate_client,',
    '- rate: { as: client,',
    'client, key',
    '"client" stands for facts of the edge',
    '`as: rate_2`',
  ],
  [
    'a define with the name of a fact',
    '  forwarder:    "arc',
    '  spf:    "arc',
    'spf:    "arc',
    'stands for facts already',
    'another name',
  ],
  [
    'a reply that is not there',
    'use: blocklisted',
    'use: blocklist',
    'blocklist }',
    'no reply "blocklist"',
    'did you mean "blocklisted"?',
  ],
  [
    'a reply of the other kind',
    'reject: { use: blocklisted }',
    'defer: { use: blocklisted }',
    'blocklisted }',
    'defer answers 4yz',
    'use reject',
  ],
  [
    'a group nobody is in',
    'skip: [reputation, greylist, spam]',
    'skip: [reputatoin]',
    'reputatoin',
    'no rule is in the group',
    'did you mean "reputation"?',
  ],
  [
    'a route that is not there',
    'allow: { skip: [reputation, greylist, spam] }',
    'route: stoer',
    'stoer',
    'no route "stoer"',
    'did you mean "store"?',
  ],
  // Checks
  ['an unknown check', '    - helo: {}', '    - hello: {}', 'hello:', 'no check "hello"', 'did you mean "helo"?'],
  [
    'two checks in one entry',
    '    - helo: {}',
    '    - helo: {}\n      spf: {}',
    'helo: {}\n      spf',
    'one entry names 2 checks: helo, spf',
    'each entry is one check',
  ],
  [
    'a check before its stage',
    '    - helo: {}',
    '    - helo: {}\n    - greylist: { as: g2 }',
    'greylist: { as: g2',
    'greylist cannot run before rcpt',
    'under `checks: rcpt:`',
  ],
  [
    'a check without what it needs',
    '    - dkim: {}\n',
    '',
    'dmarc: {}',
    'dmarc needs the check dkim',
    'add `- dkim: {}` under `checks: data:`',
  ],
  [
    'checks that wait for each other',
    '    - dkim: {}\n',
    '    - dkim: { after: [dmarc] }\n',
    'after: [dmarc]',
    'dkim → dmarc → dkim',
    'take dmarc out of `after:` of dkim',
  ],
  [
    'waiting for nobody',
    '    - helo: {}',
    '    - helo: { after: [rdn] }',
    'rdn]',
    'no check "rdn" to wait for',
    'did you mean "rdns"?',
  ],
  [
    'a guard over what is not waited for',
    '    - spf: {}',
    '    - spf: { when: "sender_domain.result == \'ok\'" }',
    'sender_domain.result',
    'spf does not wait for sender_domain',
    'add `after: [sender_domain]` to spf',
  ],
  [
    'an option over a fact that is not there',
    'key: client.network',
    'key: client.netwok',
    'netwok',
    'no client.netwok',
    'did you mean "network"?',
  ],
  [
    'an option with a list of the wrong kind',
    'trusted_sealers: lists.sealers',
    'trusted_sealers: lists.our_senders',
    'lists.our_senders }',
    'of kind network, and this takes domain',
    'a list of kind domain',
  ],
  [
    'a fact of the edge without its check',
    '    - rdns: {}\n',
    '',
    'client.name in',
    'client.name is stated by the check rdns',
    'add `- rdns: {}` under `checks: connect:`',
  ],
  // Expressions
  [
    'a fact of a later stage',
    'when: rate_client.exceeded',
    'when: "from.verified"',
    'from.verified"\n      defer',
    'known from data on',
    'move it to data or later',
  ],
  [
    'a later fact behind a define',
    'when: rate_client.exceeded',
    'when: forwarder',
    'forwarder\n      defer',
    'arc.trusted (read by forwarder)',
    'move it to data or later',
  ],
  [
    'a wrong type',
    LISTED,
    '"dnsbl.score >= \'x\'"',
    "dnsbl.score >= 'x'",
    'a number >= a text means nothing',
    'both sides must be of one type',
  ],
  [
    'a condition that is a number',
    LISTED,
    'dnsbl.score',
    'dnsbl.score\n',
    'is a number, not true or false',
    'compare it',
  ],
  [
    'an impossible word',
    "spf.result == 'fail'",
    "spf.result == 'softfial'",
    "'softfial'",
    "spf.result is never 'softfial'",
    'did you mean "softfail"?',
  ],
  [
    'an impossible word in a list',
    "['reject', 'quarantine']",
    "['reject', 'quarantin']",
    "'quarantin'",
    "dmarc.policy is never 'quarantin'",
    'did you mean "quarantine"?',
  ],
  [
    'an expression that breaks off',
    'dnsbl.score >= 4"',
    'dnsbl.score >= 4 &&"',
    '"\n      reject: { use: blocklisted }',
    'cannot be read',
    'an expression reads like',
  ],
  [
    'a fact nobody states',
    LISTED,
    '"dnsbll.score >= 4"',
    'dnsbll',
    'no fact, check or define "dnsbll"',
    'did you mean "dnsbl"?',
  ],
  ['a part no fact has', LISTED, '"dnsbl.scor >= 4"', 'scor >=', 'no dnsbl.scor', 'did you mean "score"?'],
  [
    'a setting nobody declared',
    'settings.dmarc_strict',
    'settings.dmarc_stric',
    'dmarc_stric\n',
    'no settings.dmarc_stric',
    'did you mean "dmarc_strict"?',
  ],
  [
    'a list that is not there',
    'lists.list_servers',
    'lists.list_server',
    'list_server"',
    'no lists.list_server',
    'did you mean "list_servers"?',
  ],
  [
    'a list of the wrong kind',
    'client.ip in lists.our_senders',
    'client.ip in lists.partners',
    'client.ip in lists.partners',
    'client.ip cannot be in lists.partners',
    'a list of kind network fits',
  ],
  [
    'a header before there is a message',
    'when: rate_client.exceeded',
    `when: "header('subject') == ''"`,
    "header('subject')",
    'the message is known from data on',
    'move it to data or later',
  ],
  [
    'matches()',
    'when: partner\n',
    'when: "from.domain.matches(\'a\')"\n',
    "from.domain.matches('a')",
    'matches() can take for ever',
    'rx(text, ',
  ],
  [
    'a pattern that does not compile',
    'when: partner\n',
    'when: "rx(from.domain, \'(?<=a)b\')"\n',
    "'(?<=a)b'",
    'does not compile',
    'no look-around',
  ],
  [
    'an unknown function',
    "header('list-id')",
    "heder('list-id')",
    "heder('list-id')",
    'no function heder()',
    'did you mean "header"?',
  ],
  [
    'a range that is none',
    'when: partner\n',
    'when: "in_network(client.ip, \'192.0.2.0/33\')"\n',
    "'192.0.2.0/33'",
    'is not a range',
    '192.0.2.0/24',
  ],
  [
    'defines that stand for each other',
    '"arc.trusted || client.name in lists.list_servers"',
    '"mailing_list"',
    'forwarder:',
    'forwarder → mailing_list → forwarder',
    'without mailing_list',
  ],
  // Texts and lists
  [
    'a placeholder that is not there',
    '{client.network}',
    '{client.netwrk}',
    'client.netwrk',
    'no client.netwrk',
    'did you mean "client.network"?',
  ],
  [
    'a placeholder of a later stage',
    '{greylist.wait}',
    '{dmarc.why}',
    'dmarc.why}" }\n  data',
    'dmarc.why is known from data on',
    'move it to data',
  ],
  [
    'a brace that stands alone',
    'please try again in {',
    'please try again in {{',
    '{{greylist',
    'a brace stands alone',
    '{client.ip}',
  ],
  [
    'an entry that does not belong',
    'values: [192.0.2.0/24]',
    'values: [192.0.2.0/240]',
    '192.0.2.0/240',
    'neither an address nor a range',
    '192.0.2.0/24',
  ],
  [
    'a list file that is not there',
    'values: [192.0.2.0/24]',
    'file: lists/x.txt',
    'lists/x.txt',
    'no file policies/lists/x.txt',
    'mend its path',
  ],
  // What YAML does to expressions
  [
    'YAML: an exclamation mark',
    LISTED,
    '!(client.ip in lists.our_senders)',
    '!(client.ip in lists.our_senders)\n',
    'takes "!(client.ip" for a tag',
    'in double quotes or after `>-`',
  ],
  [
    'YAML: a quote at the start',
    LISTED,
    "'a' in dnsbl.listed_by",
    'in dnsbl.listed_by',
    'YAML cannot read on',
    'in double quotes or after `>-`',
  ],
  [
    'YAML: a question mark and a colon',
    LISTED,
    'dnsbl.score > 0 ? true : false',
    'dnsbl.score > 0 ?',
    'second key',
    'in double quotes or after `>-`',
  ],
  ['YAML: a hash', LISTED, "client.user == 'a #b'", "'a #b'", 'cannot be read', '# begins a comment here'],
  [
    'YAML: a key that stands twice',
    '  helo:\n    - helo: {}',
    '  connect:\n    - helo: {}',
    'connect:\n    - helo',
    'connect stands here a second time',
    'keep one',
  ],
];

const placeOf = (text: string, part: string): string => {
  const offset = text.indexOf(part);
  if (offset < 0) throw new Error(`"${part}" is not in the text`);
  return `${text.slice(0, offset).split('\n').length}:${offset - text.lastIndexOf('\n', offset - 1)}`;
};

describe('a mistake in a policy is told with its place and its remedy', () => {
  test('the policy is right as it stands', () => {
    expect(load(INBOUND).problems).toEqual([]);
  });

  test.each(MISTAKES)('%s', (_what, from, to, at, says, remedy) => {
    expect(INBOUND).toContain(from);
    const text = INBOUND.replace(from, () => to);
    const { policy, problems } = load(text);
    expect(policy).toBeUndefined();
    const found = problems.find(({ message }) => message.includes(says));
    expect(found, JSON.stringify(problems, null, 1)).toBeDefined();
    expect(found?.remedy).toContain(remedy);
    expect(`${found?.place.file} ${found?.place.line}:${found?.place.column}`).toBe(
      `policies/policy.yaml ${placeOf(text, at)}`,
    );
    expect(text.split('\n')[found!.place.line - 1]).toContain(found!.excerpt.replace(/…$/, '').trim());
  });

  test('a part that elements do not have is told with those they have', () => {
    const text = INBOUND.replace('when: partner\n', 'when: "dkim.signatures.exists(s, s.resul == \'pass\')"\n');
    const [first] = load(text).problems;
    expect(first).toMatchObject({
      message: 'there is no dkim.signatures.resul',
      remedy: 'did you mean "result"? dkim.signatures has: domain, selector, algorithm, result',
    });
    expect(`${first?.place.line}:${first?.place.column}`).toBe(placeOf(text, 'resul =='));
  });

  test('a text that names a list of maps is not told to name what cannot be named', () => {
    const text = INBOUND.replace('DMARC {from.domain}', 'DMARC {dkim.signatures}');
    expect(load(text).problems).toMatchObject([{ remedy: expect.stringContaining('leave it out') }]);
  });

  test('the words of elements are known too', () => {
    const text = INBOUND.replace('when: partner\n', 'when: "dkim.signatures.exists(s, s.result == \'passs\')"\n');
    expect(load(text).problems.map(({ message }) => message)).toEqual(["dkim.signatures.result is never 'passs'"]);
  });

  test('all mistakes are told, not only the first', () => {
    const text = INBOUND.replace('default: 6.0', 'default: x')
      .replace('use: blocklisted', 'use: blocklist')
      .replace("spf.result == 'fail'", "spf.result == 'fial'")
      .replace('limit: 200', 'limt: 200');
    expect(load(text).problems.length).toBeGreaterThanOrEqual(4);
  });

  test('a folded expression points into its own line', () => {
    const text = INBOUND.replace(LISTED, '>-\n        dnsbl.score >= 4\n        && spf.resul == 1');
    const [first] = load(text).problems;
    expect(`${first?.place.line}:${first?.place.column}`).toBe(placeOf(text, 'resul == 1'));
  });

  test('a file that is not there is a problem, not a throw', () => {
    const { problems } = load('', { 'policy.yaml': '' });
    expect(problems[0]?.message).toMatch(/empty/);
  });
});
