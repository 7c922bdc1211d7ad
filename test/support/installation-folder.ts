/** An installation in a folder of its own that takes mail on a free loopback port, for a gateway that runs as a process. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './store-folder.ts';

export interface InstallationFolder {
  readonly config: string;
  readonly store: string;
  readonly folder: string;
  /** Writes a file beside `postern.yaml`. */
  write(path: string, text: string): void;
}

interface Beside {
  /** Any free one without it. */
  readonly port?: number;
  /** More keys of the listener. */
  readonly listener?: string;
  /** One that goes with the test without it. */
  readonly folder?: string;
}

/** `lines` are added to `postern.yaml`; each policy is a file. */
export function installationFolder(
  lines: readonly string[],
  policies: { readonly [name: string]: string } = { inbound: 'policy: inbound\nchecks: {}\nrules: {}\n' },
  { port = 0, listener = '', folder = temporaryFolder() }: Beside = {},
): InstallationFolder {
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  mkdirSync(join(folder, 'policies'));
  for (const [name, text] of Object.entries(policies)) write(`policies/${name}.yaml`, text);
  write(
    'postern.yaml',
    [
      'hostname: mx.gateway.test',
      'node: mx1',
      `listeners: { mx: { address: "127.0.0.1:${port}", policy: inbound${listener === '' ? '' : `, ${listener}`} } }`,
      'store: { path: store, min_free: 1 MiB }',
      ...lines,
      '',
    ].join('\n'),
  );
  return { config: join(folder, 'postern.yaml'), store: join(folder, 'store'), folder, write };
}
