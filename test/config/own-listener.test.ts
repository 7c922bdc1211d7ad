/** A route back into the gateway is a mistake that would show only when mail goes round. */
import { expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const problemsOf = (listener: string, host: string) =>
  loadInstallation(
    '/etc/postern/postern.yaml',
    filesOf({
      '/etc/postern/postern.yaml': `hostname: mx1.example.com
listeners: { mx: { address: "${listener}" } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["${host}"] } }
`,
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
    }),
  ).problems.map(({ place, message }) => `${place.line}:${place.column} ${message}`);

test.each([
  ['127.0.0.1:2525', '127.0.0.1:2525'],
  ['0.0.0.0:2525', '127.0.0.1:2525'],
  ['[::]:2525', '[::1]:2525'],
])('a listener on %s and a route to %s', (listener, host) => {
  expect(problemsOf(listener, host)).toEqual(['4:28 this is our own listener "mx": mail would go round']);
});

test.each([
  ['127.0.0.1:2525', '127.0.0.1:2526'],
  ['192.0.2.1:25', '192.0.2.2:25'],
  ['0.0.0.0:25', '192.0.2.2:25'],
  ['127.0.0.1:0', '127.0.0.1:25'],
])('a listener on %s, and a route to %s that is no way back', (listener, host) => {
  expect(problemsOf(listener, host)).toEqual([]);
});
