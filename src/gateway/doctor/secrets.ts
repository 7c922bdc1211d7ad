/** Files of keys and secrets that the installation names: closed to every user who is neither owner nor group. */
import type { DomainKey } from '../../config/installation.ts';
import { passwordsIn } from '../../config/passwords.ts';
import { folderOf, resolvePath } from '../../config/paths.ts';
import { identitiesIn } from '../../config/route-certificate.ts';
import { type Finding, ok, problem } from './finding.ts';
import { octal } from './machine.ts';
import type { Practice } from './practice.ts';

const OTHERS = 0o007;

export async function examineSecrets(practice: Practice): Promise<readonly Finding[]> {
  const { installation, policies, modeOf } = practice;
  const files = new Set([
    ...installation.certificates.map(({ key }) => key),
    ...identitiesIn(installation.routes).map(({ key }) => key),
    ...[...installation.signing.values()].flat().flatMap(fileOf),
    ...passwordsIn(installation).flatMap(({ at }) => (at.kind === 'file' ? [at.path] : [])),
    ...[...installation.users.values()].flatMap((one) => (one.kind === 'file' ? [one.path] : [])),
    ...(installation.srs === undefined ? [] : [installation.srs.keysFile]),
    ...policies.flatMap(({ secrets }) => secrets.map(({ file }) => resolvePath(installation.policiesDir, file))),
  ]);
  const findings = await Promise.all(
    [...files].map(async (path): Promise<readonly Finding[]> => {
      const mode = await modeOf(path);
      // In the place of its path the secret itself may have been written.
      if (mode === 'absent') return [problem('secrets', 'a file is not there', '`postern check` says which')];
      if (mode === 'hidden')
        return [problem('secrets', `${path} is out of this user's reach`, "run this as the gateway's user")];
      return exposed(path, mode);
    }),
  );
  // What nobody names yet may lie there too, and so may what we make ourselves.
  const others = [`${folderOf(installation.file)}/secrets`, `${installation.store.path}/self-signed.pem`];
  for (const path of others) {
    const mode = await modeOf(path);
    if (typeof mode === 'number') findings.push(exposed(path, mode));
  }
  const wrong = findings.flat();
  if (wrong.length > 0 || files.size === 0) return wrong;
  return [ok('secrets', `${files.size} file${files.size === 1 ? '' : 's'} of keys and secrets, closed to others`)];
}

/** Of a key that signs no more the file may be gone. */
const fileOf = ({ state, keyFile }: DomainKey): readonly string[] => (state === 'retired' ? [] : [keyFile]);

const exposed = (path: string, mode: number): readonly Finding[] =>
  (mode & OTHERS) === 0
    ? []
    : [
        problem(
          'secrets',
          `${path} is open to every user (${octal(mode)})`,
          `chmod o= ${path}, and renew what it holds`,
        ),
      ];
