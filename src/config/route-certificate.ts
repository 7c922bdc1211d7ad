/** The certificate by which a route makes itself known, as written made into what is used: the pair is looked at as a listener's is. */
import type { z } from 'zod';
import type { CertificateFiles, Route } from '../queue/route.ts';
import { pairFaults } from './certificate-pair.ts';
import type { Findings } from './findings.ts';
import { resolvePath } from './paths.ts';
import type { ROUTE } from './schema-routes.ts';
import type { InstallationFiles, Spot } from './sections.ts';

export function certificateOf(
  written: z.output<typeof ROUTE>,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  { problems }: Pick<Findings, 'problems'>,
): { readonly certificate?: CertificateFiles } {
  if (written.certificate === undefined && written.key === undefined) return {};
  if (written.certificate === undefined || written.key === undefined) {
    const [there, lacking] = written.key === undefined ? ['certificate', 'key'] : ['key', 'certificate'];
    problems.push(
      at.problem([there!], `"${there}" wants "${lacking}" with it`, `add \`${lacking}:\` and a path`, 'key'),
    );
    return {};
  }
  if (written.tls === 'none')
    problems.push(
      at.problem(
        ['certificate'],
        'a certificate is shown in TLS, and `tls: none` speaks none',
        'write `tls: verified`',
        'key',
      ),
    );
  const certificate = resolvePath(folder, written.certificate);
  const key = resolvePath(folder, written.key);
  const reading = files.pair(certificate, key);
  for (const { path, message, remedy, severity } of pairFaults([], reading))
    problems.push({ ...at.problem(path, message, remedy), severity });
  if (reading.kind === 'read' && !reading.facts.forClients)
    problems.push({
      ...at.problem(['certificate'], NOT_FOR_CLIENTS, 'have one issued for client authentication too'),
      severity: 'warning',
    });
  return { certificate: { certificate, key } };
}

/** RFC 5280 §4.2.1.12: who lists purposes and leaves this one out may not be believed as a client. */
const NOT_FOR_CLIENTS = 'it is issued for servers alone: hosts that look at its purpose refuse it from a client';

/** What routes show, each pair once. */
export const identitiesIn = (routes: ReadonlyMap<string, Route>): readonly CertificateFiles[] => {
  const all = [...routes.values()].flatMap((route) => (route.kind === 'maildir' ? [] : (route.certificate ?? [])));
  return [...new Map(all.map((one) => [pairKey(one), one])).values()];
};

export const pairKey = ({ certificate, key }: CertificateFiles): string => JSON.stringify([certificate, key]);
