import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { installationFiles } from '../../../src/adapters/files/installation-files.ts';
import { loadInstallation } from '../../../src/config/load-installation.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
};

describe('files on disk', () => {
  write(
    'postern.yaml',
    'hostname: mx.example\nlisteners: { mx: { address: "127.0.0.1:0" } }\nroutes: { r: { protocol: maildir, path: mail } }\ninclude: [conf.d/*.yaml]\n',
  );
  write('conf.d/b.yaml', 'log: { level: warn }\n');
  write('conf.d/a.yaml', 'domains: { example.com: { route: r, recipients: any } }\n');
  write('conf.d/.hidden.yaml', 'nonsense');
  write('conf.d/notes.txt', 'nonsense');
  write('policies/inbound.yaml', 'policy: inbound\n');

  test('make an installation with its includes', () => {
    const { installation, problems } = loadInstallation(
      join(folder, 'postern.yaml'),
      installationFiles(folder, Date.now, true),
    );
    expect(problems).toEqual([]);
    expect(installation).toMatchObject({ log: { level: 'warn' }, policiesDir: join(folder, 'policies') });
    expect([...installation!.domains.keys()]).toEqual(['example.com']);
  });

  test('are matched within one name, sorted, without hidden ones', () => {
    const files = installationFiles(folder, Date.now, true);
    expect(files.glob(join(folder, 'conf.d/*.yaml'))).toEqual([
      join(folder, 'conf.d/a.yaml'),
      join(folder, 'conf.d/b.yaml'),
    ]);
    expect(files.glob(join(folder, 'conf.d/a.yaml'))).toEqual([join(folder, 'conf.d/a.yaml')]);
    expect(files.glob(join(folder, 'nothing/*.yaml'))).toEqual([]);
  });

  test('are named as seen from here', () => {
    const files = installationFiles(folder, Date.now, true);
    expect(files.show(join(folder, 'conf.d/a.yaml'))).toBe('conf.d/a.yaml');
    expect(files.show('/etc/postern/postern.yaml')).toBe('/etc/postern/postern.yaml');
    expect(files.read(join(folder, 'conf.d'))).toBeUndefined();
    expect(files.read(join(folder, 'none'))).toBeUndefined();
  });
});
