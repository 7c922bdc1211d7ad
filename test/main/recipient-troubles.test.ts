/** A file of recipients with mistakes: `check` names each with its line, and the gateway would start all the same. */
import { expect, test } from 'vitest';
import { postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';

const at = (text: string) => {
  const made = installationFolder([
    'domains: { mail.test: { route: files, recipients: { file: people.txt } } }',
    'routes: { files: { protocol: maildir, path: mail } }',
  ]);
  made.write('people.txt', text);
  return made;
};

test('lines that are no addresses are told with their place', async () => {
  const { config } = at('# ours\nalice@mail.test\nbob carol\ndave@mail.test OK\n');
  const { code, out, err } = await postern('check', '--config', config);
  expect(code).toBe(0);
  expect(out + err).toMatch(/people\.txt:3:1.*no address[\s\S]*people\.txt:4:1.*no address/);
});

test('an empty file is told, as everybody would be answered 450', async () => {
  const { config } = at('# nobody yet\n');
  const { out, err } = await postern('check', '--config', config);
  expect(out + err).toMatch(/people\.txt:1:1.*no address: every recipient would be answered 450/);
});
