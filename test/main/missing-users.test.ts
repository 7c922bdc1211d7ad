/** A file of users that cannot be taken: told where it is named, with what mends it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { ConfigurationError, startGateway } from '../../src/main/serve.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { makePair } from '../support/tls.ts';

async function refused(lines: readonly string[], users?: { readonly text: string; readonly mode: number }) {
  const at = installationFolder(
    [
      'domains: { a.test: { route: next, recipients: any } }',
      'routes: { next: { hosts: ["127.0.0.1:1"], tls: none } }',
      'default_route: next',
      'certificates: [{ names: [mx.gateway.test], certificate: a.pem, key: a.key }]',
      ...lines,
    ],
    undefined,
    { listener: 'tls: implicit, auth: required' },
  );
  const { certificate, key } = makePair('mx.gateway.test');
  at.write('a.pem', certificate);
  writeFileSync(join(at.folder, 'a.key'), key, { mode: 0o600 });
  if (users !== undefined) writeFileSync(join(at.folder, 'staff.txt'), users.text, { mode: users.mode });
  const error: unknown = await startGateway(at.config, { log: silentLog }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigurationError);
  const { problems } = error as ConfigurationError;
  return problems.map(({ place, message, remedy }) => ({ ...place, said: `${message}; ${remedy}` }));
}

test('one that is named and not there', async () => {
  const [problem, ...others] = await refused(['users:', '  staff: { file: staff.txt }']);
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ file: 'postern.yaml', line: 10, column: 18 });
  expect(problem!.said).toContain('staff.txt: there is no such file; ');
  expect(problem!.said).toContain('`postern passwd --source staff alice@example.com`');
});

test('the one beside postern.yaml, where nothing is said of users: told where they are asked to log in', async () => {
  const [problem] = await refused([]);
  expect(problem).toMatchObject({ file: 'postern.yaml', line: 3 });
  expect(problem!.said).toContain('users: there is no such file; ');
  expect(problem!.said).toContain('`postern passwd --source users alice@example.com`');
});

test('one that others may read needs no new user', async () => {
  const [problem] = await refused(['users: { staff: { file: staff.txt } }'], { text: '', mode: 0o644 });
  expect(problem).toMatchObject({ file: 'postern.yaml', line: 9 });
  expect(problem!.said).toContain('others may read it: chmod 640 ');
  expect(problem!.said).not.toContain('postern passwd --source');
});
