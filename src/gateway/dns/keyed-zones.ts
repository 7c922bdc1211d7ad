/** Blocklists' zones with a key in their names: questions are asked under a name that may be shown, and the key is put in at the very last. */
import { NAME_MAX, questionName } from '../../mail/dns-name.ts';
import type { Resolver } from '../../ports/resolver.ts';

export interface KeyedZone {
  /** Undefined where the file of secrets was left alone. */
  readonly zone: string | undefined;
  readonly asks: 'addresses' | 'names';
}
/** By the name that is shown. */
export type KeyedZones = ReadonlyMap<string, KeyedZone>;

/**
 * What is asked below a list: a reversed IPv4 or IPv6 address (RFC 5782 §2.1, §2.4), or the name of a host in A-labels (§3). Any
 * other name is a stranger's choice and is left alone.
 */
const ASKED = {
  addresses: /^(?:\d{1,3}\.){4}$|^(?:[0-9a-f]\.){32}$/,
  names: /^(?:[a-z0-9_-]{1,63}\.)+$/,
} as const;

/**
 * Everybody behind it (checks, evidence, facts, logs) sees the shown name only. Zones that rehearsals answer from are asked
 * under that name, and need no key.
 */
export function keyedResolver(under: Resolver, zones: () => KeyedZones): Resolver {
  return {
    resolve: (name, type, signal) => {
      for (const [shown, { zone, asks }] of zones()) {
        if (type !== 'A' || !name.endsWith(`.${shown}`)) continue;
        const labels = name.slice(0, -shown.length);
        if (!ASKED[asks].test(labels)) continue;
        const basis = { name, type, cached: false, ttl: 0, secure: false, server: '' };
        if (zone === undefined) return Promise.resolve({ ...basis, kind: 'failed', rcode: '', cause: 'refused' });
        return under.resolve(labels + zone, type, signal).then((answer) => ({ ...answer, name }));
      }
      return under.resolve(name, type, signal);
    },
  };
}

export type ReadZone =
  | { readonly kind: 'zone'; readonly zone: string }
  /** `why` never holds what the file does. */
  | { readonly kind: 'wrong'; readonly why: string; readonly remedy: string };

/** The labels of a reversed IPv6 address with their dots stand before it, or a host's name (`HOST_MAX` of the check `links`). */
const ZONE_MAX = { addresses: NAME_MAX - 64, names: NAME_MAX - 128 } as const;

/** What a file of one line says, held against what is shown in its place. */
export function readKeyedZone(text: string, shownAs: string, asks: KeyedZone['asks'] = 'addresses'): ReadZone {
  const lines = text.split('\n').map((line) => line.trim());
  const [line, ...more] = lines.filter((one) => one !== '');
  const zone = line === undefined || /\s/.test(line) ? undefined : questionName(line);
  if (zone === undefined || zone === '' || zone.length > ZONE_MAX[asks] || more.length > 0)
    return {
      kind: 'wrong',
      why: 'it does not hold a zone',
      remedy: 'write the domain name with its key on the one line of the file, and nothing else',
    };
  const shown = questionName(shownAs) ?? '';
  if (shown.includes(zone) || keyOf(zone, shown).some((label) => shown.includes(label)))
    return {
      kind: 'wrong',
      why: '`shown_as` holds a part of the key',
      remedy: 'write a name that tells nothing of it, such as key. before what is public of the zone',
    };
  return { kind: 'zone', zone };
}

/** The labels that the two do not share at their ends: one of them is the key. */
function keyOf(zone: string, shown: string): readonly string[] {
  const labels = zone.split('.');
  const others = shown.split('.');
  while (labels.length > 0 && labels.at(-1) === others.at(-1)) {
    labels.pop();
    others.pop();
  }
  return labels;
}
