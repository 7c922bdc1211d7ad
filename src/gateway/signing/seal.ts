/** Another ARC set (RFC 8617 §5.1) over a message as it will leave: what we found of it, for those who trust our seal. */
import { chosenFields, type NamedField, namesToSign, relaxField, signedField, unsignedField } from '../../mail/dkim.ts';
import { foldField } from '../../mail/header.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { SigningKey } from '../../ports/signing-keys.ts';
import { type LeavingField, type LeavingHeader, readLeaving } from './leaving.ts';
import { NAMES_MAX, type Signed, toSign } from './sign.ts';

export interface Sealer {
  readonly domain: string;
  readonly selector: string;
  readonly key: SigningKey;
  readonly at: Timestamp;
  /** The chain as it came (RFC 8617 §4.4); undefined where the policy does not look. */
  readonly chain: string | undefined;
  /** How many sets it had then: fewer may have been left by what rules take off. */
  readonly sets: number;
  /** What we found, as `Authentication-Results` tells it: its value, not folded. */
  readonly results: string;
}

export async function seal(octets: AsyncIterable<Uint8Array>, sealer: Sealer): Promise<Signed> {
  let why = '';
  const read = await readLeaving(octets, (header) => {
    const chosen = choose(header, sealer);
    if (chosen.kind === 'chosen') return chosen;
    why = chosen.why;
    return undefined;
  });
  if (read === undefined) return { kind: 'unsigned', why };
  const { fields, names, sets } = read.wanted;
  const { domain, selector, key, at, results } = sealer;
  const instance = sets.length + 1;
  const i = ['i', `${instance}`] as const;
  const by = [['a', key.algorithm] as const, ['d', domain] as const, ['s', selector] as const];
  const t = ['t', `${Math.floor(at / 1000)}`] as const;
  const told = `${foldField('ARC-Authentication-Results', `i=${instance}; ${results}`)}\r\n`;
  const signature = await withSignature(
    chosenFields(fields, names),
    unsignedField('ARC-Message-Signature', [
      i,
      ...by,
      ['c', 'relaxed/relaxed'],
      t,
      ['h', names.join(':')],
      ['bh', read.bodyHash],
    ]),
    key,
  );
  const cv = instance === 1 ? 'none' : 'pass';
  // RFC 8617 §5.1.1: all sets in their order, the newest last, its seal without a signature.
  const chain = [...sets.flat().map(({ raw }) => raw), told.trimEnd(), signature.trimEnd()];
  const sealed = await withSignature(
    chain.map((raw) => `${relaxField(raw)}\r\n`).join(''),
    unsignedField('ARC-Seal', [i, ...by, t, ['cv', cv]]),
    key,
  );
  return {
    kind: 'signed',
    fields: sealed + signature + told,
    told: `${domain} by ${selector} (${key.algorithm}), i=${instance}, cv=${cv}`,
  };
}

async function withSignature(head: string, unsigned: string, key: SigningKey): Promise<string> {
  const signature = await key.sign(toSign(head, unsigned));
  return signedField(unsigned, Buffer.from(signature).toString('base64'));
}

/** The fields of one set, in the order they are sealed in. */
type ArcSet = readonly [LeavingField, LeavingField, LeavingField];

type Chosen =
  | {
      readonly kind: 'chosen';
      readonly fields: readonly LeavingField[];
      readonly names: readonly string[];
      readonly sets: readonly ArcSet[];
    }
  | { readonly kind: 'nobody'; readonly why: string };

const SET = ['arc-authentication-results', 'arc-message-signature', 'arc-seal'] as const;
export const isOfSet = ({ name }: NamedField): boolean => (SET as readonly string[]).includes(name);
/** RFC 8617 §4.2.1. */
const SETS_MAX = 50;

function choose(header: LeavingHeader, { chain, sets }: Sealer): Chosen {
  const nobody = (why: string): Chosen => ({ kind: 'nobody', why });
  if (header.kind === 'unsound') return nobody(header.why);
  const { fields } = header;
  const found = fields.filter(isOfSet);
  if (found.length !== sets) return nobody('fields of its chain are taken off');
  if (found.length > 0 && chain === undefined) return nobody('no check looks at the chain it came with');
  // A set upon a chain that fails adds nothing that anybody would believe (RFC 8617 §5.1.2 lets us stop).
  if (found.length > 0 && chain !== 'pass') return nobody(`the chain it came with is ${chain}`);
  const count = found.length / SET.length;
  if (count >= SETS_MAX) return nobody(`its chain has ${SETS_MAX} sets`);
  const whole: ArcSet[] = [];
  for (let n = 1; n <= count; n++) {
    const [results, signature, seal] = SET.map((name) =>
      found.find((field) => field.name === name && instanceOf(field) === n),
    );
    if (results === undefined || signature === undefined || seal === undefined)
      return nobody(`set ${n} of its chain is not whole`);
    whole.push([results, signature, seal]);
  }
  const names = namesToSign(fields, ['dkim-signature']);
  if (names.length > NAMES_MAX) return nobody(`more than ${NAMES_MAX} fields of it would be signed`);
  return { kind: 'chosen', fields, names, sets: whole };
}

/** RFC 8617 §3.9; in a field of results it stands first. */
const instanceOf = ({ value }: LeavingField): number =>
  Number(/(?:^|;)\s*i\s*=\s*(\d{1,2})\s*(?:;|$)/i.exec(value)?.[1]);
