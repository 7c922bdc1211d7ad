/** Which mail goes by which route, beyond what its domain says: the list `routing`, as written made into one as used. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { foldAscii, parseMailbox, toAscii } from '../mail/address.ts';
import type { Findings } from './findings.ts';
import type { SINGLES } from './schema.ts';
import type { Sections } from './sections.ts';

/** Whom an entry means. */
export type Matches =
  /** `alice@example.com`; the local part in lower case as far as ASCII goes. */
  | { readonly kind: 'address'; readonly address: string }
  /** `example.com` alone, or with `.example.com` all below it too. */
  | { readonly kind: 'domain'; readonly domain: string; readonly below: boolean }
  /** Over the whole address, or a user's name: `*` stands for any letters, none among them. */
  | { readonly kind: 'pattern'; readonly pattern: string }
  /** `<>`: notifications. */
  | { readonly kind: 'null' };

/** All that it names must hold; of several values of one kind, any. */
export interface RoutingEntry {
  readonly recipient?: readonly Matches[];
  readonly sender?: readonly Matches[];
  readonly user?: readonly Matches[];
  readonly route: string;
}

type Written = z.output<typeof SINGLES.routing>[number];
type Wrong = (key: 'recipient' | 'sender' | 'user', text: string, remedy: string) => void;

export function buildRouting({ singles, maps }: Sections, { problems }: Findings): readonly RoutingEntry[] {
  const written = singles.routing;
  const names = [...maps.routes.keys()];
  return (written?.value ?? []).map((entry, n): RoutingEntry => {
    const at = written!.at;
    const wrong: Wrong = (key, text, remedy) =>
      void problems.push(at.problem([n, key], `"${text}" names nobody`, remedy));
    if (!maps.routes.has(entry.route)) {
      const remedy = `${didYouMean(entry.route, names)} there are: ${names.join(', ')}`.trim();
      problems.push(at.problem([n, 'route'], `there is no route "${entry.route}"`, remedy));
    }
    if (entry.recipient === undefined && entry.sender === undefined && entry.user === undefined)
      problems.push(
        at.problem(
          [n],
          'this holds for all mail',
          'say for whose: `recipient:`, `sender:` or `user:`; for all others there is `default_route:`',
          'key',
        ),
      );
    return {
      ...some('recipient', entry, (text) => addressed(text, (remedy) => wrong('recipient', text, remedy))),
      ...some('sender', entry, (text) =>
        text === '<>' ? { kind: 'null' } : addressed(text, (remedy) => wrong('sender', text, remedy)),
      ),
      ...some('user', entry, (text) => ({ kind: 'pattern', pattern: foldAscii(text) })),
      route: entry.route,
    };
  });
}

function some(
  key: 'recipient' | 'sender' | 'user',
  entry: Written,
  read: (text: string) => Matches | undefined,
): { readonly [key in 'recipient' | 'sender' | 'user']?: readonly Matches[] } {
  const value = entry[key];
  if (value === undefined) return {};
  return { [key]: [value].flat().flatMap((text) => read(text) ?? []) };
}

const REMEDY = 'expected an address, a domain, .example.com with all below it, or a pattern such as *-news@example.com';

function addressed(text: string, wrong: (remedy: string) => void): Matches | undefined {
  if (text.includes('*')) {
    if (text.includes('@')) return { kind: 'pattern', pattern: foldAscii(text) };
    wrong('a pattern is over the whole address: *@*.example.com; of a domain all below it are .example.com');
    return undefined;
  }
  if (text.includes('@')) {
    const mailbox = parseMailbox(text, true);
    if (mailbox.kind === 'ok') return { kind: 'address', address: foldAscii(mailbox.value.address) };
    wrong(`${mailbox.why}; ${REMEDY}`);
    return undefined;
  }
  const below = text.startsWith('.');
  const domain = toAscii(below ? text.slice(1) : text);
  if (domain !== undefined) return { kind: 'domain', domain, below };
  wrong(REMEDY);
  return undefined;
}
