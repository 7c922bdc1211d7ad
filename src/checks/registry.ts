/** Every check there is, a line each. */
import { arc } from './arc.ts';
import type { Check } from './define.ts';
import { dkim } from './dkim.ts';
import { dmarc } from './dmarc.ts';
import { dnsbl } from './dnsbl.ts';
import { greylist } from './greylist.ts';
import { helo } from './helo.ts';
import { rate } from './rate.ts';
import { rdns } from './rdns.ts';
import { senderDomain } from './sender-domain.ts';
import { spf } from './spf.ts';

const ALL: readonly Check[] = [
  arc, //
  dkim,
  dmarc,
  dnsbl,
  greylist,
  helo,
  rate,
  rdns,
  senderDomain,
  spf,
];

export const CHECKS: ReadonlyMap<string, Check> = new Map(ALL.map((check) => [check.name, check]));
