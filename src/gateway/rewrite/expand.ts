/** To whom an address leads in the end: domain maps, aliases, catch-all and senders rewritten by us, asked before the recipient sources. */
import type { HostedDomain, Installation } from '../../config/installation.ts';
import { foldAscii, parseMailbox, quoteLocal } from '../../mail/address.ts';
import type { Mailbox } from '../../mail/envelope.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { withoutTag } from '../recipients.ts';
import { OURSELVES, routeTo } from '../routing.ts';
import type { Found, RecipientDirectory } from '../world.ts';
import type { AliasTables } from './alias-files.ts';
import { ALIAS_TARGETS_MAX } from './aliases.ts';
import type { Srs } from './srs.ts';

/** Aliases of aliases: nobody's are nested deeper on purpose. */
const DEPTH_MAX = 10;

export interface RewriteParts {
  readonly installation: Pick<Installation, 'domains' | 'defaultRoute' | 'routing'>;
  readonly tables: AliasTables;
  readonly srs: Srs | undefined;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** A directory that knows of rewriting; what it answers has `targets`. */
export function rewritingDirectory(inner: RecipientDirectory, parts: RewriteParts): RecipientDirectory {
  return { resolve: (mailbox, asking) => new Expansion(inner, parts, asking).resolve(mailbox) };
}

type Asking = Parameters<RecipientDirectory['resolve']>[1];
type Spread = Found & { readonly targets: readonly Mailbox[] };

const NOBODY = { result: 'unknown', source: '', listed: false, by: '', targets: [] } as const satisfies Spread;

/** One address, and those it leads to. */
class Expansion {
  readonly #inner: RecipientDirectory;
  readonly #parts: RewriteParts;
  readonly #asking: Asking;
  /** Aliases on the way: one that leads to itself is meant as the mailbox of that name. */
  readonly #seen = new Set<string>();
  #count = 0;

  constructor(inner: RecipientDirectory, parts: RewriteParts, asking: Asking) {
    this.#asking = asking;
    this.#inner = inner;
    this.#parts = parts;
  }

  async resolve(mailbox: Mailbox): Promise<Found> {
    const { srs, clock, installation } = this.#parts;
    const back = srs?.restore(mailbox, clock.now());
    if (back === undefined) return this.#expand(mailbox, 0);
    if (back.kind === 'wrong') return { ...NOBODY, source: 'srs' };
    if (routeTo(back.mailbox, OURSELVES, installation) === '') return { ...NOBODY, source: 'srs' };
    return { result: 'known', source: 'srs', listed: true, by: '', targets: [back.mailbox] };
  }

  async #expand(mailbox: Mailbox, depth: number): Promise<Spread> {
    const { installation } = this.#parts;
    const domain = installation.domains.get(mailbox.domain);
    if (domain === undefined) {
      if (routeTo(mailbox, OURSELVES, installation) === '') return NOBODY;
      return { result: 'known', source: '', listed: true, by: '', targets: [mailbox] };
    }
    if (domain.aliasOf !== undefined) return this.#expand(moved(mailbox, domain.aliasOf), depth);
    const alias = this.#aliasOf(mailbox, domain);
    if (alias !== undefined && depth < DEPTH_MAX) return this.#members(alias, mailbox, depth);
    return this.#own(mailbox, domain, depth);
  }

  #aliasOf({ local }: Mailbox, { domain }: HostedDomain) {
    const table = this.#parts.tables.get(domain);
    for (const [n, form] of withoutTag(foldAscii(local)).entries()) {
      const targets = table?.targets(form);
      const key = `${form}@${domain}`;
      if (targets === undefined || this.#seen.has(key)) continue;
      this.#seen.add(key);
      return { targets, exact: n === 0 };
    }
    return undefined;
  }

  async #members(
    { targets, exact }: { readonly targets: readonly string[]; readonly exact: boolean },
    { address }: Mailbox,
    depth: number,
  ): Promise<Spread> {
    const all = new Map<string, Mailbox>();
    let unsure = false;
    for (const written of targets) {
      const member = parseMailbox(written, true);
      if (member.kind === 'bad' || ++this.#count > ALIAS_TARGETS_MAX) continue;
      const found = await this.#expand(member.value, depth + 1);
      unsure ||= found.result === 'unsure';
      if (found.result === 'unknown') this.#parts.log.warn('alias.member_unknown', { alias: address, member: written });
      for (const target of found.targets) all.set(target.address, target);
    }
    if (this.#count > ALIAS_TARGETS_MAX)
      this.#parts.log.error('alias.too_many', { alias: address, most: ALIAS_TARGETS_MAX });
    const result = all.size > 0 ? 'known' : unsure ? 'unsure' : 'unknown';
    return { result, source: 'alias', listed: exact && result === 'known', by: '', targets: [...all.values()] };
  }

  async #own(mailbox: Mailbox, { domain, catchAll, stripTag }: HostedDomain, depth: number): Promise<Spread> {
    const found = await this.#inner.resolve(mailbox, this.#asking);
    if (found.result !== 'unknown') return { ...found, targets: [stripTag === true ? untagged(mailbox) : mailbox] };
    // Its aliases were never read: it may be one.
    if (this.#parts.tables.get(domain)?.unread === true)
      return { result: 'unsure', source: 'alias', listed: false, by: '', targets: [] };
    if (catchAll === undefined || depth >= DEPTH_MAX || this.#seen.has(`*@${domain}`)) return NOBODY;
    this.#seen.add(`*@${domain}`);
    const caught = parseMailbox(catchAll, true);
    if (caught.kind === 'bad') return NOBODY;
    return { ...(await this.#expand(caught.value, depth + 1)), source: 'catch_all', listed: false };
  }
}

const moved = ({ local }: Mailbox, domain: string): Mailbox => ({
  local,
  domain,
  address: `${quoteLocal(local)}@${domain}`,
});

function untagged(mailbox: Mailbox): Mailbox {
  const [, bare] = withoutTag(mailbox.local);
  return bare === undefined
    ? mailbox
    : { ...moved(mailbox, mailbox.domain), local: bare, address: `${quoteLocal(bare)}@${mailbox.domain}` };
}
