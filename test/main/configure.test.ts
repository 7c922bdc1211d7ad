import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchedFiles } from '../../src/adapters/files/watched-files.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { configure } from '../../src/main/configure.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'configure-'));
  mkdirSync(join(folder, 'policies'));
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains: { files.test: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const policy = (name: string, text: string) => writeFileSync(join(folder, 'policies', name), text);
const said = () => {
  const lists = new RecipientLists(watchedFiles(), silentLog);
  const { problems, current } = configure(join(folder, 'postern.yaml'), systemClock, lists);
  const texts = problems.map(({ place, message }) => `${place.file.slice(folder.length)}:${place.line} ${message}`);
  return { texts, sound: current !== undefined };
};

describe('the names of policies', () => {
  test('one policy, one file, one name', () => {
    policy('inbound.yaml', 'policy: inbound\n');
    expect(said()).toEqual({ texts: [], sound: true });
  });

  test('two files with one name are an error', () => {
    policy('inbound.yaml', 'policy: inbound\n');
    policy('second.yaml', '# the same\npolicy: inbound\n');
    const { texts, sound } = said();
    expect(sound).toBe(false);
    expect(texts).toEqual([
      expect.stringMatching(
        /^\/policies\/second\.yaml:2 the policy "inbound" stands in .*policies\/inbound\.yaml already$/,
      ),
    ]);
  });

  test('a file that calls itself otherwise than a listener calls it is an error', () => {
    policy('inbound.yaml', 'policy: outbound\n');
    expect(said()).toEqual({
      texts: ['/policies/inbound.yaml:1 listeners name the policy "inbound", and this file calls itself "outbound"'],
      sound: false,
    });
  });
});
