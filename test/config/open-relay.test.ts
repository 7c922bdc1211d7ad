/** Configurations that would make the gateway relay for strangers: none of them loads. */
import { expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const load = (listener: string, rest = '') =>
  loadInstallation(
    FILE,
    filesOf({
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
      [FILE]: `hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:0", ${listener} } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
default_route: store
${rest}`,
    }),
  );

test('the plain ones load, so that it is the change that does not', () => {
  for (const listener of [
    'trusted_networks: [10.0.0.0/8, 192.0.2.0/24, "2001:db8::/48"]',
    'trusted_networks: [17.0.0.0/8]',
    'trusted_networks: ["64:ff9b::c000:200/120"]',
    'proxy_from: [10.0.0.5], trusted_networks: [10.0.1.0/24], xclient_from: [10.0.2.1]',
  ])
    expect(load(listener).problems).toEqual([]);
});

test.each<[string, string, string]>([
  ['the whole Internet', 'trusted_networks: [0.0.0.0/0]', 'the whole Internet'],
  ['the whole Internet by IPv6', 'trusted_networks: ["::/0"]', 'the whole Internet'],
  ['the whole Internet with a host in front', 'trusted_networks: [127.0.0.1/0]', 'the whole Internet'],
  ['the whole Internet, mapped into IPv6', 'trusted_networks: ["::ffff:0.0.0.0/96"]', 'the whole Internet'],
  ['the whole Internet behind a translator', 'trusted_networks: ["64:ff9b::/96"]', 'the whole Internet'],
  ['a range around that translator', 'trusted_networks: ["64:ff9b::/64"]', 'the whole Internet'],
  ['half of it behind a translator', 'trusted_networks: ["64:ff9b::/97"]', 'wider than /8'],
  ['everybody by Teredo', 'trusted_networks: ["2001::/32"]', 'anybody can have an address'],
  ['everybody by 6to4', 'trusted_networks: ["2002::/16"]', 'wider than /32'],
  ['both halves', 'trusted_networks: [0.0.0.0/1, 128.0.0.0/1]', 'wider than /8'],
  ['sixteen times a /8', `trusted_networks: [${[...Array(16).keys()].map((n) => `${n + 40}.0.0.0/8`)}]`, 'together'],
  ['all of unicast IPv6', 'trusted_networks: ["2000::/3"]', 'wider than /32'],
  ['customers of Amazon', 'trusted_networks: [52.1.0.0/16]', 'lets to anybody'],
  ['customers of Google', 'trusted_networks: [35.190.0.0/17]', 'lets to anybody'],
  ['customers of Microsoft', 'trusted_networks: ["2603:1010::/32"]', 'lets to anybody'],
  ['customers of Hetzner', 'trusted_networks: [5.9.0.0/16]', 'lets to anybody'],
  ['anybody may name the client', 'xclient_from: [0.0.0.0/0]', 'the whole Internet'],
  ['anybody may be a balancer', 'proxy_from: ["::/0"]', 'the whole Internet'],
  ['a balancer is trusted', 'proxy_from: [10.0.0.5], trusted_networks: [10.0.0.0/8]', 'would be trusted'],
  ['a balancer may name clients', 'proxy_from: [10.0.0.0/24], xclient_from: [10.0.0.5]', 'would be trusted'],
  ['an upstream is trusted', 'xclient_from: [10.0.0.5], trusted_networks: [10.0.0.0/8]', 'would be trusted'],
  ['an upstream holds who is trusted', 'xclient_from: [10.0.0.0/24], trusted_networks: [10.0.0.5]', 'would be trusted'],
  ['a netmask for a prefix', 'trusted_networks: [10.0.0.0/255.0.0.0]', 'is not a range'],
  ['an octal prefix', 'trusted_networks: [10.0.0.0/08]', 'is not a range'],
  ['a star', 'trusted_networks: ["*"]', 'is not a range'],
  ['a name', 'trusted_networks: [friends.example]', 'is not a range'],
  ['a word for everybody', 'trusted_networks: any', 'not a list'],
  ['bare line ends for strangers', 'newline: normalize', 'trusted networks only'],
  ['a key that is none', 'relay: true', '"relay"'],
])('%s does not load', (_, listener, said) => {
  const { installation, problems } = load(listener);
  expect(installation).toBeUndefined();
  expect(problems.map(({ message }) => message).join('\n')).toContain(said);
});

test.each<[string, string, string]>([
  ['every domain', '"*": { route: store, recipients: any }', 'is not a domain'],
  ['every domain of a country', '"*.de": { route: store, recipients: any }', 'is not a domain'],
  ['the root', '".": { route: store, recipients: any }', 'is not a domain'],
  ['every address literal', '"[0.0.0.0]": { route: store, recipients: any }', 'is not a domain'],
  ['a domain within another by a percent sign', '"a%b.example": { route: store, recipients: any }', 'is not a domain'],
  ['a domain that does not say who is in it', 'example.org: { route: store }', 'recipients'],
  [
    'a recipient of another domain',
    'example.org: { route: store, recipients: { inline: [a@evil.example] } }',
    'is not in',
  ],
])('%s as a hosted domain does not load', (_, domain, said) => {
  const text = load('policy: inbound');
  expect(text.problems).toEqual([]);
  const { installation, problems } = loadInstallation(
    FILE,
    filesOf({
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
      [FILE]: `hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:0" } }
domains: { ${domain} }
routes: { store: { hosts: ["mail1.internal:25"] } }
`,
    }),
  );
  expect(installation).toBeUndefined();
  expect(problems.map(({ message }) => message).join('\n')).toContain(said);
});
