/** What an operator's files say: read from disk once, and told again word for word to other threads, whatever stands there by then. */
import { installationFiles } from '../adapters/files/installation-files.ts';
import { policyFolder } from '../adapters/files/policy-files.ts';
import { readSecret, type SecretText } from '../adapters/files/secret-file.ts';
import type { InstallationFiles } from '../config/sections.ts';
import type { Timestamp } from '../mail/time.ts';
import type { PolicyFiles } from '../ports/bundles.ts';

/** A policies' folder, less its name. */
type Folder = Pick<PolicyFiles, 'read' | 'glob'>;

export interface Disk {
  readonly files: InstallationFiles;
  readonly folder: (path: string) => Folder;
  readonly secret: (path: string) => SecretText;
}

/** Every question that was asked, with its answer. Holds secrets: it stays within the process. */
export type Snapshot = ReadonlyMap<string, unknown>;

/** Without `secrets`, keys of certificates are left alone. */
export const onDisk = (now: () => Timestamp, secrets: boolean): Disk => ({
  files: installationFiles(process.cwd(), now, secrets),
  folder: policyFolder,
  secret: readSecret,
});

/** Answers as `disk` does, and keeps each answer in `into`. */
export const keeping = (disk: Disk, into: Map<string, unknown>): Disk =>
  answering((question, ask) => {
    const answer = ask(disk);
    into.set(question, answer);
    return answer;
  });

/** Throws for a question that was not asked when the snapshot was taken: the same reader asks the same. */
export const told = (snapshot: Snapshot): Disk =>
  answering((question) => {
    if (!snapshot.has(question))
      throw new RangeError(`Cannot answer ${question} as it must have been asked when the files were read`);
    return snapshot.get(question);
  });

function answering(answer: (question: string, ask: (disk: Disk) => unknown) => unknown): Disk {
  const say = (...words: string[]): string => JSON.stringify(words);
  return {
    files: {
      read: (path) => answer(say('read', path), ({ files }) => files.read(path)) as string | undefined,
      exists: (path) => answer(say('exists', path), ({ files }) => files.exists(path)) as boolean,
      glob: (pattern) => answer(say('glob', pattern), ({ files }) => files.glob(pattern)) as readonly string[],
      pair: (certificate, key) =>
        answer(say('pair', certificate, key), ({ files }) => files.pair(certificate, key)) as ReturnType<
          InstallationFiles['pair']
        >,
      signingKey: (path) =>
        answer(say('signingKey', path), ({ files }) => files.signingKey(path)) as ReturnType<
          InstallationFiles['signingKey']
        >,
      show: (path) => answer(say('show', path), ({ files }) => files.show(path)) as string,
    },
    folder: (folder) => ({
      read: (path) =>
        answer(say('policy', folder, path), (disk) => disk.folder(folder).read(path)) as ReturnType<Folder['read']>,
      glob: (pattern) =>
        answer(say('policies', folder, pattern), (disk) => disk.folder(folder).glob(pattern)) as readonly string[],
    }),
    secret: (path) => answer(say('secret', path), (disk) => disk.secret(path)) as SecretText,
  };
}
