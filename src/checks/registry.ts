/** Every check there is, a line each: the schema, the types of expressions, the reference and the errors follow from the definitions. */
import type { Check } from './define.ts';

const ALL: readonly Check[] = [
  (await import('./arc.ts')).arc,
  (await import('./clamav.ts')).clamav,
  (await import('./dkim.ts')).dkim,
  (await import('./dmarc.ts')).dmarc,
  (await import('./dnsbl.ts')).dnsbl,
  (await import('./greylist.ts')).greylist,
  (await import('./helo.ts')).helo,
  (await import('./links.ts')).links,
  (await import('./rate.ts')).rate,
  (await import('./rdns.ts')).rdns,
  (await import('./rspamd.ts')).rspamd,
  (await import('./sender-domain.ts')).senderDomain,
  (await import('./spamassassin.ts')).spamassassin,
  (await import('./spf.ts')).spf,
  (await import('./structure.ts')).structure,
  (await import('./user-behaviour.ts')).userBehaviour,
];

export const CHECKS: ReadonlyMap<string, Check> = new Map(ALL.map((check) => [check.name, check]));
