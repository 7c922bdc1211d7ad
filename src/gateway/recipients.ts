/** Says whether a hosted domain knows a recipient: its sources asked in order, none of them trusted when it is silent. */
import { RE2JS } from 're2js';
import type { HostedDomain, RecipientSource } from '../config/installation.ts';
import { foldAscii } from '../mail/address.ts';
import type { Mailbox } from '../mail/envelope.ts';
import type { Clock } from '../ports/clock.ts';
import type { RecipientList, RecipientLists } from './recipient-list.ts';
import type { RecipientDirectory } from './world.ts';

type Answer = 'listed' | 'known' | 'unknown' | 'unsure';
type Ask = (local: string, domain: string) => Answer;

/** The directory of one configuration. Lists it needs are opened at once; those that only others need are closed by `takeOver`. */
export function recipientDirectory(
  domains: ReadonlyMap<string, HostedDomain>,
  lists: RecipientLists,
  clock: Pick<Clock, 'now'>,
): RecipientDirectory & { takeOver(): void } {
  const used = new Set<RecipientList>();
  const sources = new Map<string, readonly { readonly source: string; readonly ask: Ask }[]>();
  for (const { domain, recipients } of domains.values())
    sources.set(
      domain,
      recipients.map((source) => ({ source: source.kind, ask: asker(source, lists, used, clock) })),
    );

  return {
    takeOver: () => lists.keep(used),
    async resolve({ local, domain }: Mailbox) {
      const lower = foldAscii(local);
      const asked = sources.get(domain);
      if (asked === undefined) return { result: 'unknown', source: '', listed: false };
      const forms = withoutTag(lower);
      // Every domain has them (RFC 5321 §4.5.1, RFC 2142 §4), whatever its sources say.
      if (forms.some((form) => form === 'postmaster' || form === 'abuse'))
        return { result: 'known', source: 'builtin', listed: false };
      let unsure = '';
      for (const { source, ask } of asked) {
        const answers = forms.map((form) => ask(form, domain));
        const listed = answers[0] === 'listed';
        if (listed || answers.some((answer) => answer === 'listed' || answer === 'known'))
          return { result: 'known', source, listed };
        if (answers.includes('unsure')) unsure ||= source;
      }
      return { result: unsure === '' ? 'unknown' : 'unsure', source: unsure, listed: false };
    },
  };
}

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
  }
}

/** Beyond ASCII, and yet k and s to a pattern that folds case as Unicode does: nobody is called so. */
const LOOK_ALIKE = /[\u017f\u212a]/;

const localOf = (text: string): string => {
  const lower = foldAscii(text);
  const at = lower.lastIndexOf('@');
  return (at === -1 ? lower : lower.slice(0, at)).replace(/^"(.*)"$/, '$1');
};
