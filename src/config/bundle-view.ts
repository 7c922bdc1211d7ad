/** What a policy's bundle holds of the installation: the hosted domains, and where their settings were written. */
import type { InstallationView } from '../policy/bundle.ts';
import type { Installation } from './installation.ts';

export function installationView({ domains }: Pick<Installation, 'domains'>): InstallationView {
  return {
    domains: Object.fromEntries(
      [...domains.values()].map(({ domain, settings, place }) => [
        domain,
        { settings, file: place.file, line: place.line },
      ]),
    ),
  };
}
