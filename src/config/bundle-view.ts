/** What a policy's bundle holds of the installation: the hosted domains, and where their settings were written. */
import type { InstallationView } from '../policy/bundle.ts';
import { SERVICES } from '../policy/services.ts';
import type { Installation } from './installation.ts';

export function installationView({ domains, services }: Pick<Installation, 'domains' | 'services'>): InstallationView {
  const configured = SERVICES.filter((name) => services[name] !== undefined);
  return {
    domains: Object.fromEntries(
      [...domains.values()].map(({ domain, settings, place }) => [
        domain,
        { settings, file: place.file, line: place.line },
      ]),
    ),
    // Absent where there are none, so that a bundle keeps the digest it had before there was the word.
    ...(configured.length === 0 ? {} : { services: configured }),
  };
}
