/** nmap's smtp-open-relay script, the probe that a scanner of the Internet would run, against a gateway that hosts its own name. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../../src/main/serve.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { provide } from './daemon.ts';

const run = promisify(execFile);
const missing = await provide('nmap');
const quiet = () => {};

/** What the script said of the gateway, whose own name is a hosted domain that knows everybody. */
async function probe(listener: string): Promise<string> {
  const { config, write } = installationFolder([]);
  write(
    'postern.yaml',
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", ${listener} } }
domains: { mx.gateway.test: { route: next, recipients: any } }
routes: { next: { hosts: ["127.0.0.1:9"], tls: none } }
default_route: next
store: { path: store, min_free: 1 MiB }
`,
  );
  const gateway = await startGateway(config, { log: { event: quiet, warn: quiet, error: quiet } });
  onTestFinished(() => gateway.stop());
  const port = gateway.addresses.mx!.split(':')[1]!;
  // The plus makes the script run though the port is not 25.
  const asked = ['-Pn', '-n', '-p', port, '--script', '+smtp-open-relay', '127.0.0.1'];
  const { stdout } = await run('/usr/bin/nmap', asked, { timeout: 60_000 });
  return stdout;
}

describe.skipIf(missing !== '')('with nmap', () => {
  test('sixteen ways to ask, and none relays', async () => {
    expect(await probe('policy: inbound')).toContain("Server doesn't seem to be an open relay, all tests failed");
  });

  test('and the script sees a relay where one is meant to be', async () => {
    expect(await probe('policy: inbound, trusted_networks: [127.0.0.1/32]')).toContain('Server is an open relay');
  });
});
