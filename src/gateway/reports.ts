/** Is this message itself a report about another, or an automatic answer? Such a one is never answered (RFC 3834 §2, RFC 5321 §4.5.5). */
import type { HeaderFacts } from './edge.ts';

/** Local parts under which mail systems report, whatever else they write. */
const DAEMONS =
  /^(?:mailer-?daemon|mail-?daemon|post_?master|mail-?deliver[a-z-]*|mta-?admin|bounces?|returned-?mail|mail(?:er)?-?errors?|delivery-?[a-z-]*)$/;

/**
 * By its header alone, for what comes with a reverse-path although it should have none. Reports as the standards want them
 * (RFC 6522, RFC 3834), and what older systems write: X-Failed-Recipients, the null Return-Path of a hop before, a From of the
 * system's own or of nobody.
 */
export function isReport({ fields }: Pick<HeaderFacts, 'fields'>): boolean {
  return fields.some(({ name, value }) => {
    const text = value.trim().toLowerCase();
    switch (name) {
      case 'content-type':
        return /^multipart\/report\b|[;\s]report-type\s*=/.test(text);
      case 'auto-submitted':
        return !/^(?:no\b|$)/.test(text);
      case 'x-failed-recipients':
      case 'x-amz-sns-message-id': // how Amazon SES reports, with a sender of its own
        return true;
      case 'x-mlserver': // fml numbers what members write; the rest is its own: not a member, a loop
        return !fields.some((other) => other.name === 'x-mail-count' || other.name === 'x-ml-count');
      case 'return-path':
        return /^<\s*>/.test(text);
      case 'from':
        return isDaemon(text);
      default:
        return false;
    }
  });
}

function isDaemon(from: string): boolean {
  if (/<\s*>/.test(from) || /mail delivery (?:sub)?system|mail(?:er)?[- ]daemon/.test(from)) return true;
  const address = /<([^<>]*)>/.exec(from)?.[1] ?? from;
  return DAEMONS.test(
    address
      .replace(/@.*$/s, '')
      .replace(/^.*[\s"]/s, '')
      .trim(),
  );
}
