/** Presets of routes: the values each one gives, from what the provider documents, and where it does. */
export const ROUTE_PRESETS = {
  'exchange-online': {
    values: {
      // Microsoft, "TLS, Connectors, and You": its certificate names *.mail.protection.outlook.com, so a tenant's host can be held to it.
      tls: 'verified',
      // Microsoft, "Set-MailboxPlan": no mailbox takes more than 150 MB. Whichever MB is meant, this is not above it.
      size: 150_000_000,
      // Microsoft, "EAI support announcement": mail from and to internationalized addresses is taken.
      smtputf8: true,
    },
    words: 'tls `verified`, size `150 MB`, smtputf8 `true`; where each comes from: docs/in-front-of.md',
  },
} as const;

export type RoutePreset = keyof typeof ROUTE_PRESETS;
