/** `deliver: cut_through` before the stores it was made for: whom they do not know, the client hears from them. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { startGateway } from '../../src/main/serve.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('postfix', 'dovecot');

describe.skipIf(missing !== '')('the client hears', () => {
  let stores: readonly { readonly name: string; readonly daemon: Daemon }[] = [];
  beforeAll(async () => {
    const named = async (name: string) => ({ name, daemon: await startDaemon(name) });
    stores = await Promise.all([named('postfix'), named('dovecot-lmtp')]);
  });
  afterAll(() => Promise.all(stores.map(({ daemon }) => daemon.stop())));

  test.each([
    ['postfix', 'smtp', '550 5.1.1', /nobody@store\.test/],
    ['dovecot-lmtp', 'lmtp', '550 5.1.1', /nobody@store\.test/],
  ])('what %s says of a user it does not know, and of one it does', async (name, protocol, code, said) => {
    const { daemon } = stores.find((store) => store.name === name)!;
    const at = installationFolder([
      'domains: { store.test: { route: store, recipients: any } }',
      `routes: { store: { protocol: ${protocol}, hosts: ["127.0.0.1:${daemon.port}"], tls: none, deliver: cut_through } }`,
    ]);
    const gateway = await startGateway(at.config, { log: silentLog });
    onTestFinished(() => gateway.stop());
    const send = (to: string) =>
      speak(gateway.addresses.mx!, [
        'EHLO client.test',
        'MAIL FROM:<alice@sender.test>',
        `RCPT TO:<${to}>`,
        'DATA',
        'Subject: x\r\n\r\nBody.\r\n.',
        'QUIT',
      ]);
    const refused = await send('nobody@store.test');
    expect(refused.slice(0, code.length)).toBe(code);
    expect(refused).toMatch(/^550 5\.1\.1 \(ref \w{13}\.1\) /);
    expect(refused).toMatch(said);
    expect(await send('bob@store.test')).toMatch(/^250 2\.0\.0 delivered as \w{13}: 250 2\.\d\.\d /);
  });
});
