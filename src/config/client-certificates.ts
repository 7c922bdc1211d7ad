/** Clients known by certificate, as written made into what is used: nobody is trusted for an address or a name that many share. */
import type { z } from 'zod';
import { toAscii } from '../mail/address.ts';
import type { Findings } from './findings.ts';
import type { ClientCertificates, RelayFor } from './installation.ts';
import { resolvePath } from './paths.ts';
import type { LISTENER } from './schema.ts';
import type { InstallationFiles, Spot } from './sections.ts';

type Written = z.output<typeof LISTENER>;

export function clientCertificatesOf(
  { client_certificates: written, relay_for }: Written,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  { problems }: Findings,
): ClientCertificates | undefined {
  if (written === undefined) return undefined;
  const wrong = (path: readonly (string | number)[], message: string, remedy: string, what?: 'key' | 'value'): void =>
    void problems.push(at.problem(['client_certificates', ...path], message, remedy, what));
  const ca = written.ca === undefined ? '' : files.read(resolvePath(folder, written.ca));
  if (ca === undefined || (written.ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')))
    wrong(['ca'], `"${written.ca}" holds no certificate`, 'expected certificates of an authority of yours in PEM');
  // The one is verified against your authority, the other against the public ones: nobody shall pass for the other.
  if (written.ca !== undefined && relay_for !== undefined)
    wrong(
      ['ca'],
      '`relay_for` on the same listener believes the public authorities',
      'give one of them a listener of its own',
      'key',
    );
  const fingerprints = (written.fingerprints ?? []).map((text) => text.replaceAll(':', '').toLowerCase());
  fingerprints.forEach((text, n) => {
    if (!/^[0-9a-f]{64}$/.test(text))
      wrong(['fingerprints', n], 'this is no fingerprint', 'expected what `openssl x509 -fingerprint -sha256` prints');
  });
  return { ca: ca ?? '', names: (written.names ?? []).map((name) => name.toLowerCase()), fingerprints };
}

export function relayForOf(
  { relay_for: written }: Written,
  at: Spot,
  hosted: ReadonlySet<string>,
  { problems }: Findings,
): RelayFor[] {
  return (written ?? []).map((one, n) => ({
    certificate: one.certificate.toLowerCase(),
    tenants: one.tenants.map((tenant, m) => {
      if (!TENANT.test(tenant) && toAscii(tenant) === undefined)
        problems.push(
          at.problem(
            ['relay_for', n, 'tenants', m],
            `"${tenant}" is no tenant`,
            'expected its id, such as 2b5d7f9a-0000-0000-0000-000000000000, or the domain X-OriginatorOrg says',
          ),
        );
      return tenant.toLowerCase();
    }),
    domains: one.domains.flatMap((text, m) => {
      const domain = toAscii(text);
      if (domain !== undefined && hosted.has(domain)) return [domain];
      const message = `"${text}" is no domain of yours: anybody could send from it through the same provider`;
      problems.push(at.problem(['relay_for', n, 'domains', m], message, 'name domains that stand under `domains:`'));
      return [];
    }),
  }));
}

const TENANT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
