/** Keys that sign, as written, made into keys as used: each domain and selector once, each key one that may sign. */
import { didYouMean } from '../language/nearest.ts';
import { toAscii } from '../mail/address.ts';
import type { Findings } from './findings.ts';
import type { DomainKey, Installation } from './installation.ts';
import { resolvePath } from './paths.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';
import { keyFault } from './signing-key.ts';

export function buildSigning(
  { maps }: Sections,
  folder: string,
  files: InstallationFiles,
  { problems }: Findings,
): Map<string, readonly DomainKey[]> {
  const signing = new Map<string, readonly DomainKey[]>();
  for (const [written, { value, at }] of maps.signing) {
    const domain = toAscii(written);
    if (domain === undefined || !domain.includes('.')) {
      problems.push(at.problem([], `"${written}" is not a domain`, 'expected one such as example.com', 'key'));
      continue;
    }
    if (signing.has(domain))
      problems.push(at.problem([], `"${written}" names ${domain} a second time`, 'keep one of them', 'key'));
    signing.set(domain, value === undefined ? [] : keysOf(value, domain, at, folder, files, problems));
  }
  return signing;
}

type Written = NonNullable<ReturnType<Sections['maps']['signing']['get']>>['value'];

function keysOf(
  written: NonNullable<Written>,
  domain: string,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  problems: Findings['problems'],
): readonly DomainKey[] {
  const taken = new Map<string, number>();
  return written.map((one, n) => {
    const selector = one.selector.toLowerCase();
    const wrong = selectorFault(selector, domain);
    if (wrong !== undefined) problems.push(at.problem([n, 'selector'], `"${one.selector}" ${wrong}`, SELECTOR_REMEDY));
    const other = taken.get(selector);
    if (other !== undefined)
      problems.push(
        at.problem(
          [n, 'selector'],
          `"${one.selector}" is there twice`,
          `entry ${other + 1} names it already: keep one`,
        ),
      );
    taken.set(selector, n);
    const keyFile = resolvePath(folder, one.key_file);
    const reading = files.signingKey(keyFile);
    const fault = keyFault(reading);
    // Of a key that signs no more the file may be gone: its record is what still counts.
    const gone = one.state === 'retired' && reading.kind === 'failed' && reading.absent;
    if (fault !== undefined && !gone) problems.push(at.problem([n, 'key_file'], fault.why, fault.remedy));
    return { selector, keyFile, state: one.state, expire: one.expire };
  });
}

const SELECTOR_REMEDY = 'expected letters, digits and hyphens, such as s2026';
const NAME_MAX = 253; // octets of a name in DNS (RFC 1035 §2.3.4, without its length octets)
/** RFC 6376 §3.1: sub-domains (RFC 5321 §4.1.2), with a dot between each two. */
const SELECTOR = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Why this is no selector of the domain; undefined where it is one. `selector` is in lower case. */
export function selectorFault(selector: string, domain: string): string | undefined {
  if (!SELECTOR.test(selector)) return 'is no selector';
  if (`${selector}._domainkey.${domain}`.length > NAME_MAX) return 'makes a name that is too long for DNS';
  return undefined;
}

export function buildSeal(
  { singles }: Sections,
  signing: Installation['signing'],
  { problems }: Findings,
): Installation['seal'] {
  const written = singles.arc;
  const seal = written?.value?.seal;
  if (written === undefined || seal === undefined) return undefined;
  const domain = toAscii(seal.domain) ?? seal.domain;
  const keys = signing.get(domain);
  const refuse = (key: 'domain' | 'selector', message: string, remedy: string): undefined =>
    void problems.push(written.at.problem(['seal', key], message, remedy));
  if (keys === undefined) {
    const near = `${didYouMean(domain, [...signing.keys()])} name one that has keys there`.trim();
    return refuse('domain', `"${seal.domain}" does not stand in signing`, near);
  }
  const active = keys.filter(({ state }) => state === 'active');
  if (seal.selector === undefined) {
    const [first] = active;
    return first === undefined
      ? refuse('domain', `${domain} has no active key`, 'let one of its keys be active')
      : { domain, selector: first.selector, keyFile: first.keyFile };
  }
  const named = active.find(({ selector }) => selector === seal.selector?.toLowerCase());
  return named === undefined
    ? refuse('selector', `${domain} has no active key "${seal.selector}"`, `there are: ${sayAll(active)}`)
    : { domain, selector: named.selector, keyFile: named.keyFile };
}

const sayAll = (keys: readonly DomainKey[]): string => keys.map(({ selector }) => selector).join(', ') || 'none';
