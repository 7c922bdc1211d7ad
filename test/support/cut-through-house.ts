/** An installation whose routes cut through to scripted stores, for strangers and for senders it knows. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScriptedHost } from './scripted-host.ts';

export interface Stores {
  readonly host: ScriptedHost;
  readonly boxes: ScriptedHost;
  readonly plain: ScriptedHost;
  /** How long a client waits. */
  readonly limit: string;
  readonly log?: 'error' | 'info';
}

const POLICY = `policy: inbound
rules:
  data:
    - { name: aside, when: "recipient.address == 'spam@store.test'", quarantine: { class: spam, reason: spam } }
    - { name: kept, when: "recipient.address == 'hold@store.test'", hold: { reason: wait } }
    - { name: away, when: "recipient.address == 'discard@store.test'", discard: { reason: away } }
    - { name: copied, when: "message.subject == 'copy'", bcc: archive@plain.test }
    - { name: copied_there, when: "message.subject == 'copy to the store'", bcc: nocopy@store.test }
`;

export function installationFiles({ host, boxes, plain, limit, log = 'error' }: Stores) {
  const folder = mkdtempSync(join(tmpdir(), 'cut-through-'));
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), POLICY);
  const config = join(folder, 'postern.yaml');
  const to = ({ address }: ScriptedHost): string => `127.0.0.1:${address.kind === 'tcp' ? address.port : 0}`;
  writeFileSync(
    config,
    `hostname: mx.gateway.test
node: mx
listeners:
  mx: { address: "127.0.0.1:0" }
  inside: { address: "127.0.0.1:0", trusted_networks: [127.0.0.1/32] }
domains:
  store.test: { route: store, recipients: any, aliases: { inline: { nobodies: [noone, notwo], team: [bob, nobody], pair: [bob, carol] } } }
  boxes.test: { route: boxes, recipients: any }
  files.test: { route: files, recipients: any }
  plain.test: { route: plain, recipients: any }
  gone.test: { route: gone, recipients: any }
  slow.test: { route: slow, recipients: any }
routes:
  store: { hosts: ["${to(host)}"], tls: none, deliver: cut_through, retry: [500ms] }
  slow: { hosts: ["${to(host)}"], tls: none, deliver: cut_through, rate: { messages: 1, per: 1h } }
  boxes: { protocol: lmtp, hosts: ["${to(boxes)}"], tls: none, deliver: cut_through }
  files: { protocol: maildir, path: mail, deliver: cut_through }
  gone: { hosts: ["127.0.0.1:1"], tls: none, deliver: cut_through, retry: [1h] }
  plain: { hosts: ["${to(plain)}"], tls: none }
default_route: plain
limits: { cut_through: ${limit}, network_connections: 100000 }
store: { path: store, min_free: 1 MiB }
log: { level: ${log} }
`,
  );
  return { config, store: join(folder, 'store'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
