/** Certificates as written made into certificates as used: each pair looked at, each name spoken for once. */
import { pairFaults } from './certificate-pair.ts';
import type { Findings } from './findings.ts';
import type { Certificate } from './installation.ts';
import { resolvePath } from './paths.ts';
import type { InstallationFiles, Sections } from './sections.ts';
import { serverName } from './server-name.ts';

export function buildCertificates(
  { singles }: Sections,
  folder: string,
  files: InstallationFiles,
  { problems }: Findings,
): Certificate[] {
  const written = singles.certificates;
  if (written?.value === undefined) return [];
  const { at } = written;
  const taken = new Map<string, number>();
  return written.value.map((entry, n) => {
    const names: string[] = [];
    for (const [m, text] of entry.names.entries()) {
      const name = serverName(text);
      if (name === undefined) {
        const remedy = 'expected a host name such as mx1.example.com, or *.example.com';
        problems.push(at.problem([n, 'names', m], `"${text}" is not a name of a server`, remedy));
        continue;
      }
      const other = taken.get(name);
      if (other === undefined) names.push(name);
      else {
        const message = `"${text}" stands in certificates twice`;
        problems.push(at.problem([n, 'names', m], message, `entry ${other + 1} names it already: keep one`));
      }
      taken.set(name, n);
    }
    const certificate = resolvePath(folder, entry.certificate);
    const key = resolvePath(folder, entry.key);
    for (const { path, message, remedy, severity } of pairFaults(entry.names, files.pair(certificate, key)))
      problems.push({ ...at.problem([n, ...path], message, remedy), severity });
    return { names, certificate, key };
  });
}
