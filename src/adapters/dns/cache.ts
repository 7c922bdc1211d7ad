/** DNS answers kept for as long as their owners allow (RFC 2308 for those that say "nothing here"), and no longer than is good for mail. */
import { LRUCache } from 'lru-cache';
import { hours, type Millis, minutes, seconds } from '../../mail/time.ts';
import type { DnsAnswer } from '../../ports/resolver.ts';

/** The resolver behind us keeps a day if it must; here, what an owner mended shows within the hour. */
const KEEP_MAX: Millis = hours(1);
/** A name that is missing is often one being set up. RFC 2308 §5 allows up to three hours. */
const KEEP_EMPTY_MAX: Millis = minutes(5);
/**
 * RFC 2308 §5 would not keep an empty answer without SOA at all. We keep it for a second, as RFC 9520 has us keep failures: a
 * burst of mail asks a blocklist's server the same question once, and whoever is listed in between is seen a second later.
 */
const KEEP_EMPTY_LEAST: Millis = seconds(1);
/** RFC 9520 §3.2: a failure is kept for at least a second, so that a flood of mail is no flood of questions to a dead server. */
const KEEP_FAILED: Millis = seconds(1);

/** All answers together, as estimated: enough for some 50,000 names, too little to matter. */
const CACHE_OCTETS_MAX = 32 << 20;
/** One answer: a name with thousands of records drives nobody else out. */
const ANSWER_OCTETS_MAX = 64 << 10;
/** What an entry costs beside its texts. */
const ENTRY_OCTETS = 400;
const RECORD_OCTETS = 120;

interface Kept {
  readonly answer: DnsAnswer;
  readonly until: Millis;
}

export class DnsCache {
  private readonly kept = new LRUCache<string, Kept>({
    maxSize: CACHE_OCTETS_MAX,
    maxEntrySize: ANSWER_OCTETS_MAX,
    sizeCalculation: ({ answer }) => sizeOf(answer),
  });

  /** `at` is monotonic time. */
  get(key: string, at: Millis): DnsAnswer | undefined {
    const kept = this.kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.until <= at) {
      this.kept.delete(key);
      return undefined;
    }
    return { ...kept.answer, cached: true, ttl: Math.ceil((kept.until - at) / 1000) };
  }

  put(key: string, answer: DnsAnswer, at: Millis): void {
    const keep = keepFor(answer);
    if (keep > 0) this.kept.set(key, { answer, until: at + keep });
  }

  clear(): void {
    this.kept.clear();
  }
}

function keepFor(answer: DnsAnswer): Millis {
  switch (answer.kind) {
    case 'found':
      return Math.min(seconds(answer.ttl), KEEP_MAX);
    case 'empty':
      return Math.max(KEEP_EMPTY_LEAST, Math.min(seconds(answer.ttl), KEEP_EMPTY_MAX));
    case 'failed':
      // A limit and an abort are our own affair, and say nothing about the name.
      return answer.cause === 'cancelled' || answer.cause === 'limit' ? 0 : KEEP_FAILED;
  }
}

function sizeOf(answer: DnsAnswer): number {
  if (answer.kind !== 'found') return ENTRY_OCTETS + answer.name.length;
  let size = ENTRY_OCTETS + answer.name.length;
  for (const record of answer.records) {
    size += RECORD_OCTETS;
    if (record.type === 'TXT') size += 2 * record.text.length;
    else if (record.type === 'TLSA') size += record.data.length;
  }
  return size;
}
