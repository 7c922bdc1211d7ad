/** By which route mail goes: the first entry that means it, before its domain's, before the default one; a rule before all. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Installation } from '../../src/config/installation.ts';
import { routeTo } from '../../src/gateway/routing.ts';
import { from, mailbox } from '../support/entries.ts';
import { resolverOver, sound, testGateway } from '../support/gateway.ts';
import { speak } from '../support/speak.ts';
import { temporaryFolder } from '../support/store-folder.ts';

function installed(rules = ''): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), `policy: inbound\nchecks: {}\nrules: { rcpt: [${rules}] }\n`);
  const config = join(folder, 'postern.yaml');
  writeFileSync(
    config,
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", trusted_networks: [127.0.0.1/32] } }
domains: { ours.test: { route: ours, recipients: any } }
default_route: world
routing:
  - { recipient: vip@ours.test, route: one }
  - { recipient: [partner.test, .group.test], sender: ours.test, route: two }
  - { recipient: "list-*@*.lists.test", route: three }
  - { sender: "<>", recipient: back.test, route: four }
  - { user: "scan*", route: five }
  - { sender: news@ours.test, route: six }
routes:
${['ours', 'world', 'one', 'two', 'three', 'four', 'five', 'six', 'ruled'].map((name) => `  ${name}: { protocol: maildir, path: ${name} }\n`).join('')}
store: { path: store, min_free: 1 MiB }
`,
  );
  return config;
}

describe('mail', () => {
  let read: Installation | undefined;
  const installation = (): Installation => {
    read ??= sound(installed()).installation;
    return read;
  };
  test.each<[string, string, string, string]>([
    ['bob@ours.test', 'x@away.test', '', 'ours'],
    ['bob@away.test', 'x@ours.test', '', 'world'],
    ['VIP@ours.test', 'x@away.test', '', 'one'],
    ['a@partner.test', 'x@ours.test', '', 'two'],
    ['a@partner.test', 'x@away.test', '', 'world'],
    ['a@below.partner.test', 'x@ours.test', '', 'world'],
    ['a@group.test', 'x@ours.test', '', 'two'],
    ['a@deep.below.group.test', 'x@ours.test', '', 'two'],
    ['a@notgroup.test', 'x@ours.test', '', 'world'],
    ['list-a@x.lists.test', 'x@away.test', '', 'three'],
    ['list-@.lists.test', 'x@away.test', '', 'three'],
    ['list-a@lists.test', 'x@away.test', '', 'world'],
    ['a@back.test', '', '', 'four'],
    ['a@back.test', 'x@away.test', '', 'world'],
    ['a@away.test', 'x@away.test', 'scanner-2', 'five'],
    ['a@away.test', 'x@away.test', 'alice', 'world'],
    ['a@away.test', 'news@ours.test', 'alice', 'six'],
    ['a@away.test', 'news@ours.test', 'SCAN', 'five'],
  ])('to %s from <%s> by "%s" goes by %s', (to, sender, user, route) => {
    expect(routeTo(mailbox(to), { sender: from(sender), user }, installation())).toBe(route);
  });

  test('that matches a pattern of stars is found in time that grows with its length alone', () => {
    const routing = [
      { recipient: [{ kind: 'pattern' as const, pattern: `${'*a'.repeat(100)}*b@x.test` }], route: 'one' },
    ];
    const to = mailbox(`${'a'.repeat(60_000)}@x.test`);
    expect(routeTo(to, { sender: from(''), user: '' }, { ...installation(), routing })).toBe('world');
  });
});

test('an entry is queued for the route that its recipient and sender mean, or a rule names', async () => {
  const rule = `{ name: other, when: "recipient.local == 'ruled'", route: ruled }`;
  const gateway = await testGateway(sound(installed(rule)), resolverOver({}));
  onTestFinished(() => gateway.stop());
  const rcpt = ['bob@ours.test', 'vip@ours.test', 'ruled@ours.test'];
  const said = await speak(`127.0.0.1:${gateway.port}`, [
    'EHLO client.test',
    'MAIL FROM:<news@ours.test>',
    ...rcpt.map((one) => `RCPT TO:<${one}>`),
    'DATA',
    'Subject: x\r\n\r\nBody.\r\n.',
    'QUIT',
  ]);
  expect(said).toMatch(/^250 /);
  const [admission] = gateway.admissions;
  expect(admission!.entries.map(({ route }) => route)).toEqual(['six', 'one', 'ruled']);
});
