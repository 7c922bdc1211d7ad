/** The record in DNS that publishes a key which signs (RFC 6376 §3.6.1): written for an operator, and read back. */

export interface PublishedKey {
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  /** What stands after `p=`. */
  readonly published: string;
}

export const keyName = (selector: string, domain: string): string => `${selector}._domainkey.${domain}`;

export const keyRecord = ({ algorithm, published }: PublishedKey): string =>
  `v=DKIM1; k=${algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'}; p=${published}`;

const STRING_MAX = 255; // octets of one string of a TXT record (RFC 1035 §3.3.14)

export const recordStrings = (record: string): readonly string[] =>
  record.match(new RegExp(`.{1,${STRING_MAX}}`, 'g')) ?? [];

/** Tags with their values, blanks around and within them gone; undefined where it is no list of tags (RFC 6376 §3.2). */
function recordTags(text: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>();
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    const tag = part.slice(0, Math.max(at, 0)).trim();
    if (!/^[A-Za-z]\w*$/.test(tag) || tags.has(tag)) return undefined;
    tags.set(tag, part.slice(at + 1).replace(/\s+/g, ''));
  }
  return tags;
}

/** Why a signature of this key would not hold against this record; undefined where it would. */
export function recordFault(text: string, key: PublishedKey): string | undefined {
  const tags = recordTags(text);
  if (tags === undefined) return 'is no list of tags';
  const version = tags.get('v');
  if (version !== undefined && version !== 'DKIM1') return `begins with v=${version}`;
  const published = tags.get('p');
  if (published === undefined) return 'has no p=';
  if (published === '') return 'has an empty p=, which revokes the key';
  const kind = tags.get('k')?.toLowerCase() ?? 'rsa';
  if (kind !== (key.algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519')) return `is of a key of another kind, ${kind}`;
  if (published !== key.published) return 'is that of another key';
  if (!listed(tags.get('h'), 'sha256', undefined)) return 'does not allow sha256 (h=)';
  if (!listed(tags.get('s'), 'email', '*')) return 'is not for mail (s=)';
  return undefined;
}

export const isTesting = (text: string): boolean => listed(recordTags(text)?.get('t') ?? 'none', 'y', undefined);

const listed = (list: string | undefined, word: string, any: string | undefined): boolean =>
  list === undefined ||
  list
    .toLowerCase()
    .split(':')
    .some((one) => one === word || one === any);
