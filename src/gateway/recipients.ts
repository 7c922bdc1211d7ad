/** Says whether a hosted domain knows a recipient: its sources asked in order, none of them trusted when it is silent. */
import { RE2JS } from 're2js';
import type { HostedDomain, Installation, RecipientSource } from '../config/installation.ts';
import { isLive, isLoaded, type LiveSource, type LoadedSource } from '../config/live-source.ts';
import { foldAscii, quoteLocal } from '../mail/address.ts';
import type { Mailbox } from '../mail/envelope.ts';
import type { Clock } from '../ports/clock.ts';
import type { AnsweredBy } from '../ports/recipients.ts';
import { deskKey, type LiveSources, loadedPath } from './live-desk.ts';
import type { RecipientList, RecipientLists } from './recipient-list.ts';
import type { RecipientDirectory } from './world.ts';

type Answer = 'listed' | 'known' | 'unknown' | 'unsure';
/** `written`: the local part as the sender wrote it. */
type Ask = (local: string, domain: string, written: string) => Answer | Promise<Asked>;
interface Asked {
  readonly answer: Answer;
  readonly by: AnsweredBy;
}

interface Source {
  readonly source: RecipientSource['kind'];
  /** Asked beyond this process. */
  readonly live: boolean;
  readonly ask: Ask;
}

/** The directory of one configuration. Lists it needs are opened at once; those that only others need are closed by `takeOver`. */
export function recipientDirectory(
  { domains, hostname, store }: Pick<Installation, 'domains' | 'hostname' | 'store'>,
  lists: RecipientLists,
  clock: Pick<Clock, 'now'>,
  desk: LiveSources,
): RecipientDirectory & { takeOver(): void } {
  const used = new Set<RecipientList>();
  const live = liveSourcesOf(domains);
  desk.open(live, { hostname, store: store.path });
  const sources = new Map<string, readonly Source[]>();
  for (const { domain, recipients } of domains.values())
    sources.set(
      domain,
      recipients.map((one) => ({
        source: one.kind,
        live: isLive(one) && !isLoaded(one),
        ask: asker(isLoaded(one) ? asFile(one, store.path) : one, lists, used, clock, desk),
      })),
    );

  return {
    takeOver: () => {
      lists.keep(used);
      desk.keep(live);
    },
    async resolve({ local, domain }: Mailbox, asking) {
      const asked = sources.get(domain);
      if (asked === undefined) return { result: 'unknown', source: '', listed: false, by: '' };
      const forms = withoutTag(local).map((written) => ({ written, lower: foldAscii(written) }));
      // Every domain has them (RFC 5321 §4.5.1, RFC 2142 §4), whatever its sources say.
      if (forms.some(({ lower }) => lower === 'postmaster' || lower === 'abuse'))
        return { result: 'known', source: 'builtin', listed: false, by: '' };
      let unsure: { readonly source: string; readonly by: AnsweredBy | '' } | undefined;
      for (const { source, live: beyond, ask } of asked) {
        if (asking === 'assume' && beyond) return { result: 'known', source, listed: false, by: 'assumed' };
        for (const [n, { written, lower }] of forms.entries()) {
          const said = ask(lower, domain, written);
          const { answer, by } = typeof said === 'string' ? { answer: said, by: '' as const } : await said;
          const listed = answer === 'listed' && n === 0;
          if (answer === 'listed' || answer === 'known') return { result: 'known', source, listed, by };
          if (answer === 'unsure') unsure ??= { source, by };
        }
      }
      if (unsure !== undefined) return { result: 'unsure', ...unsure, listed: false };
      return { result: 'unknown', source: '', listed: false, by: '' };
    },
  };
}

/** What was loaded from it lies in a file: older than it may be, the directory has been silent too long. */
const asFile = (source: LoadedSource, store: string): RecipientSource => ({
  kind: 'file',
  path: loadedPath(source, store),
  maxShrink: source.list.maxShrink,
  maxAge: Math.max(source.lastKnown, source.list.every),
  onStale: source.onError,
});

const liveSourcesOf = (domains: ReadonlyMap<string, HostedDomain>): readonly LiveSource[] =>
  [...domains.values()].flatMap(({ recipients }) => recipients.filter(isLive));

/** `bob+list` is asked as it stands, then as `bob` (RFC 5233). A local part that begins with + has no tag. */
export function withoutTag(local: string): string[] {
  const plus = local.indexOf('+');
  return plus > 0 ? [local, local.slice(0, plus)] : [local];
}

function asker(
  source: RecipientSource,
  lists: RecipientLists,
  used: Set<RecipientList>,
  clock: Pick<Clock, 'now'>,
  desk: LiveSources,
): Ask {
  switch (source.kind) {
    case 'any':
      return () => 'known';
    case 'inline': {
      const locals = new Set(source.addresses.map((text) => localOf(text)));
      return (local) => (locals.has(local) ? 'listed' : 'unknown');
    }
    case 'pattern': {
      // Linear time whatever the pattern and the sender's text; the whole local part must match.
      const pattern = RE2JS.compile(source.pattern, RE2JS.CASE_INSENSITIVE);
      return (local) => (!LOOK_ALIKE.test(local) && pattern.matches(local) ? 'known' : 'unknown');
    }
    case 'file': {
      const list = lists.open(source.path, source.maxShrink);
      used.add(list);
      return (local, of) => {
        if (list.names(local, of)) return 'listed';
        if (list.hasAll(of)) return 'known';
        if (list.trouble !== undefined) return 'unsure';
        const old = source.maxAge !== undefined && clock.now() - (list.modifiedAt ?? 0) > source.maxAge;
        if (!old) return 'unknown';
        return source.onStale === 'accept' ? 'known' : 'unsure';
      };
    }
    case 'ldap':
    case 'sql':
    case 'callout': {
      const key = deskKey(source);
      // A directory is asked for this very address; a store that takes it may read something else in it.
      const yes = source.kind === 'callout' ? 'known' : 'listed';
      return async (local, domain, written) => {
        const address = `${quoteLocal(local)}@${domain}`;
        const { result, by } = await desk.ask(key, { address, local: written, domain });
        // Who stands in for a silent source has not heard of the address.
        return { answer: result === 'known' && by !== 'on_error' ? yes : result, by };
      };
    }
  }
}

/** Beyond ASCII, and yet k and s to a pattern that folds case as Unicode does: nobody is called so. */
const LOOK_ALIKE = /[\u017f\u212a]/;

const localOf = (text: string): string => {
  const lower = foldAscii(text);
  const at = lower.lastIndexOf('@');
  return (at === -1 ? lower : lower.slice(0, at)).replace(/^"(.*)"$/, '$1');
};
