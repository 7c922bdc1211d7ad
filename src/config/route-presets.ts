/** What is right for a next hop that many have: it fills in what the operator did not write, and nothing else. */
import type { z } from 'zod';
import type { RoutePreset } from './schema-presets.ts';
import { ROUTE_PRESETS } from './schema-presets.ts';
import type { ROUTE } from './schema-routes.ts';
import type { Spot } from './sections.ts';

type WrittenRoute = z.output<typeof ROUTE>;

/** A path is no host: there the preset is told of as foreign. */
export function filled(written: WrittenRoute): WrittenRoute {
  const { preset, path } = written;
  if (preset === undefined || path !== undefined) return written;
  return { ...ROUTE_PRESETS[preset].values, ...said(written) };
}

const said = (written: WrittenRoute): WrittenRoute =>
  Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as WrittenRoute;

/** What the provider behind it cannot know us by. */
export function presetWarnings(
  { preset, path, certificate, source = [] }: WrittenRoute,
  at: Spot,
): readonly ReturnType<Spot['problem']>[] {
  if (preset === undefined || path !== undefined || certificate !== undefined) return [];
  if (source.length > 0 && source.every((address) => !address.includes(':'))) return [];
  return WARNINGS[preset].map(([message, remedy]) => ({
    ...at.problem(['preset'], message, remedy),
    severity: 'warning' as const,
  }));
}

/** Microsoft, "New-InboundConnector": SenderIPAddresses are of IPv4, TlsSenderCertificateName is of the certificate. */
const WARNINGS: { readonly [preset in RoutePreset]: readonly (readonly [string, string])[] } = {
  'exchange-online': [
    [
      'a connector knows us by our certificate or by an IPv4 address, and this route may speak from any address',
      'write `certificate:` with `key:`, or `source:` with the IPv4 address that the connector names',
    ],
  ],
};
