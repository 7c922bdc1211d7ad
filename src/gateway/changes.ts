/** What the rules want changed, made into edits, ways and copies once all is settled and before the record is made. */
import { foldField } from '../mail/header.ts';
import type { Modification, QuarantineClass, Way } from '../policy/disposition.ts';
import { asksMore } from '../policy/held-rights.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Edit } from '../queue/entry.ts';
import type { HeaderFacts } from './edge.ts';
import type { SessionState } from './session-state.ts';
import { type Stripped, strip, stripsOf } from './strip.ts';
import { tagSubject } from './tag-subject.ts';
import type { Copy, RecipientState, TransactionState } from './transaction.ts';
import { follow, type Leads } from './way.ts';
import { askingOf } from './world.ts';

/** Sets `changes` of each recipient whose message is kept; one whose changes cannot be made is put aside. */
export async function carryOut(
  s: SessionState,
  tx: TransactionState,
  taken: readonly RecipientState[],
  content: SpooledContent,
  read: HeaderFacts,
): Promise<void> {
  const changing = taken.filter(
    ({ carry, targets, outcome }) => carry.modifications.length + targets.length > 0 && KEPT.includes(outcome),
  );
  const plan = new Plan(s, tx, content, read);
  for (const recipient of changing) await plan.change(recipient);
}

const KEPT: readonly RecipientState['outcome'][] = ['queued', 'held', 'quarantined'];

/** One message: what several recipients have in common is made once. */
class Plan {
  readonly #s: SessionState;
  readonly #tx: TransactionState;
  readonly #content: SpooledContent;
  readonly #read: HeaderFacts;
  readonly #stripped = new Map<string, Stripped>();
  readonly #ways = new Map<string, Leads>();
  readonly #copied = new Set<string>();
  /** To whom aliases have led so far, by what goes to them. */
  readonly #reached = new Map<string, Set<string>>();
  #number: number;

  constructor(s: SessionState, tx: TransactionState, content: SpooledContent, read: HeaderFacts) {
    this.#s = s;
    this.#tx = tx;
    this.#content = content;
    this.#read = read;
    this.#number = tx.recipients.length;
  }

  async change(recipient: RecipientState): Promise<void> {
    const { modifications } = recipient.carry;
    const fields = fieldEdits(modifications, this.#read, this.#content.header);
    const stripped = this.#strip(recipient);
    if (stripped?.kind === 'cannot')
      setAside(recipient, 'attachment', `attachments cannot be removed: ${stripped.why}`, stripped.by);
    const { edits: notes, removed, keep } = stripped?.kind === 'stripped' ? stripped : NOTHING;
    const edits = [...fields, ...notes];
    const [target, ...others] = this.#unreached(
      (await this.#redirected(recipient)) ?? recipient.targets,
      recipient,
      edits,
    );
    const copies: Copy[] = await this.#copies(recipient, edits);
    if (removed.length > 0 && keep) {
      const by = removed[0]!.by;
      const { address } = target?.mailbox ?? recipient.recipient.mailbox;
      copies.push({ kind: 'original', number: this.#next(), address, by, edits: fields });
    }
    for (const { mailbox, route, by } of others)
      copies.push({ kind: 'alias', number: this.#next(), address: mailbox.address, by, mailbox, route });
    recipient.changes = { edits, target, removed, copies };
  }

  /** Who is behind several aliases gets one of the same; the recipient keeps one of those it stands for, whose answer is its own. */
  #unreached(
    targets: RecipientState['targets'],
    { outcome, recipient: { parameters } }: RecipientState,
    edits: readonly Edit[],
  ): RecipientState['targets'] {
    const key = JSON.stringify([outcome, parameters, edits]);
    const reached = this.#reached.get(key) ?? new Set();
    this.#reached.set(key, reached);
    const left = targets.filter(({ mailbox }) => !reached.has(mailbox.address));
    for (const { mailbox } of left) reached.add(mailbox.address);
    return left.length > 0 ? left : targets.slice(0, 1);
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #strip(recipient: RecipientState): Stripped | undefined {
    const strips = stripsOf(recipient.carry.modifications);
    if (strips.length === 0) return undefined;
    const { installation } = this.#s.current;
    const [first = installation.hostname] = installation.domains.keys();
    const contact = `postmaster@${recipient.hosted ? recipient.recipient.mailbox.domain : first}`;
    const key = JSON.stringify([contact, strips]);
    const known = this.#stripped.get(key);
    if (known !== undefined) return known;
    const made = strip(
      strips,
      { inside: this.#tx.walked?.inside, size: this.#content.size, ...this.#read },
      { hostname: installation.hostname, id: this.#tx.id, contact },
      (list, extension) => this.#s.policy.lists.get(list)?.has(extension, this.#tx.at) === true,
    );
    this.#stripped.set(key, made);
    return made;
  }

  /** The last one counts. */
  async #redirected(recipient: RecipientState): Promise<RecipientState['targets'] | undefined> {
    const way = recipient.carry.modifications.findLast((one): one is Way => one.kind === 'redirect');
    if (way === undefined) return undefined;
    const leads = await this.#follow(way);
    if (leads.kind === 'to') return leads.targets.map((target) => ({ ...target, by: way.by }));
    setAside(recipient, 'policy', `redirected ${leads.why}`, way.by);
    return undefined;
  }

  /** To each address one copy of the same, whoever the recipient was. What is kept aside is not copied. */
  async #copies(recipient: RecipientState, edits: readonly Edit[]): Promise<Copy[]> {
    const copies: Copy[] = [];
    if (recipient.outcome === 'quarantined') return copies;
    for (const way of recipient.carry.modifications.filter((one): one is Way => one.kind === 'bcc')) {
      const leads = await this.#follow(way);
      if (leads.kind === 'nowhere') {
        const note = { by: way.by, text: `no copy: it leads ${leads.why}` };
        recipient.carry = { ...recipient.carry, notes: [...recipient.carry.notes, note] };
        continue;
      }
      for (const { mailbox, route } of leads.targets) {
        const key = JSON.stringify([mailbox.address, recipient.outcome, edits]);
        if (this.#copied.has(key)) continue;
        this.#copied.add(key);
        copies.push({ kind: 'bcc', number: this.#next(), address: mailbox.address, by: way.by, mailbox, route });
      }
    }
    return copies;
  }

  async #follow(way: Way): Promise<Leads> {
    const known = this.#ways.get(way.address);
    if (known !== undefined) return known;
    const from = { sender: this.#tx.path, user: this.#s.user };
    const leads = await follow(way, from, this.#s.current, askingOf(this.#s.world.rehearsal));
    this.#ways.set(way.address, leads);
    return leads;
  }
}

const NOTHING = { edits: [], removed: [], keep: false } as const;

function fieldEdits(modifications: readonly Modification[], read: HeaderFacts, header: Uint8Array): readonly Edit[] {
  const tags = modifications.flatMap((one) => (one.kind === 'tagSubject' ? [one.tag] : []));
  return [
    ...modifications.flatMap((one): readonly Edit[] => {
      if (one.kind === 'addHeader') return [{ kind: 'addField', field: foldField(one.name, one.value) }];
      if (one.kind !== 'removeHeader') return [];
      const name = one.name.toLowerCase();
      return read.fields.flatMap((field, index): readonly Edit[] =>
        field.name === name ? [{ kind: 'removeField', index }] : [],
      );
    }),
    ...tagSubject(tags, read, header),
  ];
}

/** What is aside already stays so, in a class that asks for no less of whoever releases it. */
function setAside(recipient: RecipientState, to: QuarantineClass, why: string, by: string): void {
  const { disposition } = recipient.course;
  const was = recipient.outcome === 'quarantined' ? recipient.why : '';
  const before = recipient.aside?.class ?? (disposition.kind === 'quarantine' ? disposition.class : 'spam');
  recipient.aside = { class: asksMore(to, before) ? to : before, by };
  recipient.why = was === '' ? why : `${was}; ${why}`;
  recipient.outcome = 'quarantined';
}
