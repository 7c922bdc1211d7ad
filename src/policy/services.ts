/** The daemons that checks may ask, by the names under which they are configured and read. */

export const SERVICES = ['clamav', 'spamassassin', 'rspamd'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** The root `services`: which of them are configured. */
export const configuredServices = (names: readonly string[]): { readonly [name in ServiceName]: boolean } => ({
  clamav: names.includes('clamav'),
  spamassassin: names.includes('spamassassin'),
  rspamd: names.includes('rspamd'),
});
