/** DKIM signatures (RFC 6376) over a message as it will leave, one for each active key of its author's domain. */
import type { DomainKey, Installation } from '../../config/installation.ts';
import { parseAddressList } from '../../mail/address-list.ts';
import { chosenFields, namesToSign, relaxField, signedField, unsignedField } from '../../mail/dkim.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { SigningKeys } from '../../ports/signing-keys.ts';
import { type LeavingField, type LeavingHeader, readLeaving } from './leaving.ts';

export interface Signer {
  readonly keys: SigningKeys;
  readonly signing: Installation['signing'];
  readonly at: Timestamp;
  /** Domains whose authors are signed for; absent: all that have a key. */
  readonly authors?: ReadonlySet<string> | undefined;
  /** Of mail of our own: who signs where nobody does for its author's domain. */
  readonly hostname?: string;
}

export type Signed =
  /** `fields` go on top, ended; `told` says who signed, for the record. */
  | { readonly kind: 'signed'; readonly fields: string; readonly told: string }
  | { readonly kind: 'unsigned'; readonly why: string };

/** A name costs its verifiers a search each; real messages have some thirty. */
export const NAMES_MAX = 150;

/** `octets` is read once, and of a message that nobody signs for not beyond its header section. */
export async function sign(octets: AsyncIterable<Uint8Array>, signer: Signer): Promise<Signed> {
  const { keys, at } = signer;
  let why = '';
  const read = await readLeaving(octets, (header) => {
    const chosen = choose(header, signer);
    if (chosen.kind === 'chosen') return chosen;
    why = chosen.why;
    return undefined;
  });
  if (read === undefined) return { kind: 'unsigned', why };
  const { domain, active, fields, names } = read.wanted;
  const head = chosenFields(fields, names);
  const time = Math.floor(at / 1000);
  const made = await Promise.all(
    active.map(async ({ selector, keyFile, expire }) => {
      const key = keys.keyOf(keyFile);
      const unsigned = unsignedField('DKIM-Signature', [
        ['v', '1'],
        ['a', key.algorithm],
        ['c', 'relaxed/relaxed'],
        ['d', domain],
        ['s', selector],
        ['t', `${time}`],
        ...(expire === undefined ? [] : [['x', `${time + Math.ceil(expire / 1000)}`] as const]),
        ['h', names.join(':')],
        ['bh', read.bodyHash],
      ]);
      const signature = await key.sign(toSign(head, unsigned));
      const field = signedField(unsigned, Buffer.from(signature).toString('base64'));
      return { field, told: `${selector} (${key.algorithm})` };
    }),
  );
  return {
    kind: 'signed',
    fields: made.map(({ field }) => field).join(''),
    told: `${domain} by ${made.map(({ told }) => told).join(', ')}`,
  };
}

/** RFC 6376 §3.7: what is chosen, then the field itself without its signature and without a line end. */
export const toSign = (head: string, unsigned: string): Uint8Array =>
  Buffer.from(head + relaxField(unsigned), 'latin1');

type Chosen =
  | {
      readonly kind: 'chosen';
      readonly domain: string;
      readonly active: readonly DomainKey[];
      readonly fields: readonly LeavingField[];
      readonly names: readonly string[];
    }
  | { readonly kind: 'nobody'; readonly why: string };

function choose(header: LeavingHeader, { signing, authors: signed, hostname = '' }: Signer): Chosen {
  if (header.kind === 'unsound') return { kind: 'nobody', why: header.why };
  const { fields } = header;
  const authors = fields.filter(({ name }) => name === 'from').map(({ value }) => parseAddressList(value));
  const [author] = authors;
  // RFC 5322 §3.6: of several nobody knows which one a person is shown (RFC 6376 §8.15 has signers refuse them).
  if (author === undefined || authors.length > 1)
    return { kind: 'nobody', why: `it has ${authors.length} From fields` };
  const [address, another] = author.addresses;
  if (address === undefined || another !== undefined || author.unread > 0)
    return { kind: 'nobody', why: 'its From does not name exactly one address' };
  if (signed?.has(address.domain) === false)
    return { kind: 'nobody', why: `whoever sent it may not speak for ${address.domain}` };
  const found = signingDomain(address.domain, signing) ?? signingDomain(hostname, signing);
  if (found === undefined) return { kind: 'nobody', why: `no key signs for ${address.domain}` };
  const names = namesToSign(fields);
  if (names.length > NAMES_MAX) return { kind: 'nobody', why: `more than ${NAMES_MAX} fields of it would be signed` };
  return { kind: 'chosen', ...found, fields, names };
}

/** The domain itself, or the nearest above it that has an active key: what DMARC calls aligned (RFC 9989). */
export function signingDomain(
  author: string,
  signing: Installation['signing'],
): { readonly domain: string; readonly active: readonly DomainKey[] } | undefined {
  for (let domain = author; domain !== ''; domain = domain.includes('.') ? domain.slice(domain.indexOf('.') + 1) : '') {
    const active = signing.get(domain)?.filter(({ state }) => state === 'active') ?? [];
    if (active.length > 0) return { domain, active };
  }
  return undefined;
}
